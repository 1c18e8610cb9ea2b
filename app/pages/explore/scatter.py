"""Every plan as a point: what it needs from left to right, what it costs from below, and the load line to be dragged.

The points are painted off the GUI thread into two pictures, strong and pale; pointing, picking and dragging only paint
over them. Its table twin is the page's affair; its sentence is its accessible description.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget
from shiboken6 import isValid

from app import background
from app.pages.explore.load_line import LoadLineHandle
from app.pages.explore.marks import group_ink
from app.pages.explore.picture import Look, Prepared, prepare
from app.pages.explore.points import ScatterData
from app.theme import colour, em, figures, font, theme
from app.widgets.surface import focus_ring, painter_on
from planner.problem import Problem
from planner.units import GIB, MIB

REACH = 0.7  # em around a point in which it is meant
RADIUS = 0.24  # em, of a marker
STRENGTH = 0.78  # of a marker's fill, so that those below shine through
STEP_PX = 4  # that an arrow key moves the load line by
ROUND_GIB = (64, 16, 8, 4, 2, 1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01)  # the load line stands at multiples of one of these
LEFT, RIGHT, UP, DOWN = Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down


class Scatter(QWidget):
    """`hovered, picked, taken` carry a plan's number, `hovered` −1 when none is meant. `line_dragged, line_dropped`
    carry the bytes that the load line stands at, while it moves and when it is let go. `prepared`: the points shown
    are those that were given last."""

    hovered = Signal(int)
    picked = Signal(int)
    taken = Signal(int)
    line_dragged = Signal(object)
    line_dropped = Signal(object)
    prepared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: ScatterData | None = None
        self._line_bytes = 0
        self._selected = self._hovered = -1
        self._pins: tuple[int, int] = (-1, -1)
        self._shown: Prepared | None = None
        self._ground: QPixmap | None = None  # axes and marks, painted once
        self._preparing = self._again = self._dragging = False
        self.painted = {"points": 0, "ground": 0, "over": 0}  # how often each was done; a test looks here
        self.handle = LoadLineHandle(self)
        self.handle.hide()
        self.handle.stepped.connect(self._step_line)
        self.handle.let_go.connect(lambda: self.line_dropped.emit(self._line_bytes))
        self.handle.back.connect(self._line_back)
        self.handle.grabbed.connect(self._grab)
        self.handle.moved.connect(lambda at: self._drag_to(at.x()))
        self.handle.dropped.connect(self._drop)
        self.handle.wished.connect(self._line_wished)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Every combination")
        theme().changed.connect(self._restyle)

    # what is shown

    def show_data(self, data: ScatterData | None) -> None:
        """Show these plans. The load line stays where it was put, unless the machine's own has changed."""
        before, self._data = self._data, data
        self._ground = None
        self._hovered = -1
        if data is None:
            self._shown = None
            self.handle.hide()
            self.update()
            return
        if before is None or before.budget_bytes != data.budget_bytes:
            self._line_bytes = data.budget_bytes
        if before is None or not data.same_places(before):
            self._shown = None  # a picture of other plans would be a lie
            self._selected, self._pins = -1, (-1, -1)
        self.setAccessibleName(f"{data.x_title} against {data.y_title}")
        self.setAccessibleDescription(data.whole_sentence)
        self._place_handle()
        self.handle.show()
        self._prepare()
        self.update()

    def say(self, sentence: str) -> None:
        """Another sentence for the same points, as after the load line moved."""
        self.setAccessibleDescription(sentence)

    def select(self, row: int) -> None:
        """Ring a plan; −1: none."""
        self._selected = row
        self.update()

    def pin(self, a: int = -1, b: int = -1) -> None:
        """Mark the plans that are compared, with their letters."""
        self._pins = (a, b)
        self.update()

    @property
    def line_bytes(self) -> int:
        return self._line_bytes

    def set_line(self, line_bytes: int) -> None:
        """Put the load line somewhere, telling nobody."""
        if line_bytes == self._line_bytes:
            return
        before = self._line_x()
        self._line_bytes = line_bytes
        self._place_handle()
        after = self._line_x()
        left, right = sorted((before, after))
        self.update(QRect(int(left) - em(), 0, int(right - left) + 2 * em() + 1, self.height()))

    @property
    def ready(self) -> bool:
        """Whether the points on the screen are those that were given last, in this size."""
        return self._data is None or (self._fresh() and not self._preparing)

    # places

    def sizeHint(self) -> QSize:
        return QSize(em(42), em(34))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(18), em(14))

    def plot(self) -> QRect:
        """The inner rectangle, inside the axes."""
        return self.rect().adjusted(em(3.6), em(3.1), -em(1.2), -em(2.9))

    def point(self, row: int) -> QPointF:
        """Where a plan stands."""
        assert self._data is not None
        plot, (x_axis, y_axis) = self.plot(), self._data.axes
        x, y = x_axis.place(float(self._data.x[row])), y_axis.place(float(self._data.y[row]))
        return QPointF(plot.left() + x * plot.width(), plot.top() + (1 - y) * plot.height())

    def row_at(self, where: QPointF) -> int:
        """The nearest plan within reach of those that the filters leave, −1 for none."""
        if self._shown is None or self._data is None:
            return -1
        plot, size = self.plot(), self._shown.size
        if plot.isEmpty():
            return -1
        x = (where.x() - plot.left()) * size.width() / plot.width()
        y = (where.y() - plot.top()) * size.height() / plot.height()
        found = self._shown.placed.nearest(x, y)
        return found if found >= 0 and self._data.among[found] else -1

    def _line_x(self) -> float:
        if self._data is None:
            return 0.0
        plot = self.plot()
        return plot.left() + min(1.0, max(0.0, self._data.axes[0].place(self._line_bytes))) * plot.width()

    # preparing the picture

    def _look(self) -> Look:
        assert self._data is not None
        inks = tuple(group_ink(i, opacity=STRENGTH) for i in range(len(self._data.groups)))
        return Look(em() * RADIUS, em() * REACH, inks, colour("text"), colour("card"))

    def _fresh(self) -> bool:
        shown = self._shown
        return (
            shown is not None
            and shown.data is self._data
            and shown.size == self.plot().size()
            and shown.ratio == self.devicePixelRatioF()
            and shown.look == self._look()
        )

    def _prepare(self) -> None:
        """Have the picture made anew; one at a time, the last wish wins."""
        if self._data is None or self.plot().isEmpty() or self._fresh():
            return
        if self._preparing:
            self._again = True
            return
        self._preparing, self._again = True, False
        data, size, ratio, look = self._data, self.plot().size(), self.devicePixelRatioF(), self._look()
        background.run(lambda: prepare(data, size, ratio, look), self._take, self._failed)

    def _take(self, made: Prepared) -> None:
        if not isValid(self):
            return
        self._preparing = False
        self.painted["points"] += 1
        if self._data is not None and made.data.same_places(self._data):
            self._shown = made
            self.update()
        if self._again or not self._fresh():
            self._prepare()
        if self.ready:
            self.prepared.emit()

    def _failed(self, _problem: Problem) -> None:
        if isValid(self):  # it is in the log; the chart stays as it was
            self._preparing = False

    def _restyle(self) -> None:
        self._ground = None
        self._prepare()
        self.update()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._ground = None
        self._place_handle()
        self._prepare()

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.painted["over"] += 1
        p = painter_on(self)
        if self._data is not None and not self.plot().isEmpty():
            if self._ground is None or self._ground.devicePixelRatio() != self.devicePixelRatioF():
                self._paint_ground()
                self._prepare()
            assert self._ground is not None
            p.drawPixmap(0, 0, self._ground)
            self._paint_beyond(p)
            self._paint_points(p)
            self._paint_line(p)
            self._paint_meant(p)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.3))

    def _paint_ground(self) -> None:
        assert self._data is not None
        ratio = self.devicePixelRatioF()
        self._ground = QPixmap(self.size() * ratio)
        self._ground.setDevicePixelRatio(ratio)
        self._ground.fill(Qt.GlobalColor.transparent)
        p = QPainter(self._ground)
        p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        self.painted["ground"] += 1
        plot, data = self.plot(), self._data
        x_axis, y_axis = data.axes
        p.setFont(figures(0.85))
        wide, high = p.fontMetrics().horizontalAdvance("888"), p.fontMetrics().height()
        upward = list(data.y_ticks) or y_axis.ticks(max(2, plot.height() // round(high * 3.2)), data.y_words)
        across = x_axis.byte_ticks(max(2, plot.width() // round(wide * 2.2)))
        for value, label in upward:
            y = plot.top() + (1 - y_axis.place(value)) * plot.height()
            p.setPen(QPen(colour("border"), 1))
            p.drawLine(QPointF(plot.left(), y), QPointF(plot.right() + 1, y))
            p.setPen(colour("muted"))
            box = QRectF(0, y - em(0.7), plot.left() - em(0.5), em(1.4))
            p.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), label)
        for value, label in across:
            x = plot.left() + x_axis.place(value) * plot.width()
            p.setPen(QPen(colour("border"), 1))
            p.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom() + 1))
            p.setPen(colour("muted"))
            box = QRectF(x - em(3), plot.bottom() + em(0.35), em(6), em(1.2))
            p.drawText(box, int(Qt.AlignmentFlag.AlignCenter), label)
        p.setPen(QPen(colour("border"), 1))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawRect(QRectF(plot).adjusted(0.5, 0.5, 0.5, 0.5))
        p.setFont(font(0.82, weight=QFont.Weight.DemiBold))
        p.setPen(colour("muted"))
        title = QRectF(em(0.4), 0, self.width(), em(1.3))
        p.drawText(title, int(Qt.AlignmentFlag.AlignVCenter), f"{data.y_title.upper()} ↑")
        below = QRectF(0, plot.bottom() + em(1.5), plot.right(), em(1.3))
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        p.drawText(below, flags, f"{data.x_title} →".replace("Peak memory", "PEAK MEMORY"))
        if not len(data.shown):
            p.setFont(font())
            p.drawText(QRectF(plot), int(Qt.AlignmentFlag.AlignCenter), "No plan is left to show")
        p.end()

    def _beyond(self) -> QRectF:
        """The part of the plot right of the load line."""
        plot = QRectF(self.plot())
        plot.setLeft(self._line_x())
        return plot

    def _paint_beyond(self, p: QPainter) -> None:
        veil = QColor(colour("field"))
        veil.setAlphaF(0.6)
        p.fillRect(self._beyond(), veil)

    def _paint_points(self, p: QPainter) -> None:
        shown = self._shown
        if shown is None:
            return
        plot, x = self.plot(), round(self._line_x())
        margin_x = shown.look.margin * plot.width() / shown.size.width()
        margin_y = shown.look.margin * plot.height() / shown.size.height()
        where = QRectF(plot).adjusted(-margin_x, -margin_y, margin_x, margin_y)
        same = shown.size == plot.size() and shown.ratio == self.devicePixelRatioF()
        for picture, clip in (
            (shown.strong, QRect(0, 0, x, self.height())),
            (shown.pale, QRect(x, 0, self.width() - x, self.height())),
        ):
            p.setClipRect(clip)
            if same:
                p.drawImage(where.topLeft(), picture)
            else:
                p.drawImage(where, picture)
        p.setClipping(False)

    def _paint_line(self, p: QPainter) -> None:
        assert self._data is not None
        plot, x, top = self.plot(), self._line_x(), self._handle_y() + em(0.5)
        if self._line_bytes != self._data.budget_bytes:
            own = plot.left() + self._data.axes[0].place(self._data.budget_bytes) * plot.width()
            p.setPen(QPen(colour("muted"), 1.5, Qt.PenStyle.DashLine))
            p.drawLine(QPointF(own, plot.top()), QPointF(own, plot.bottom() + 1))
        p.setPen(QPen(colour("text"), 2.2))
        p.drawLine(QPointF(x, top), QPointF(x, plot.bottom() + 1))

    def _paint_meant(self, p: QPainter) -> None:
        assert self._data is not None
        p.setBrush(Qt.BrushStyle.NoBrush)
        for row, ink, radius in (
            (self._selected, colour("bad"), em(0.58)),
            (self._hovered, colour("text"), em(0.42)),
        ):
            if row >= 0 and self._data.known[row]:
                p.setPen(QPen(ink, 2.4))
                p.drawEllipse(self.point(row), radius, radius)
        for letter, row in zip("AB", self._pins, strict=True):
            if row >= 0 and self._data.known[row]:
                self._paint_pin(p, letter, self.point(row))

    def _paint_pin(self, p: QPainter, letter: str, at: QPointF) -> None:
        """A disc with the letter, on a short stem above the plan."""
        middle, radius = at - QPointF(0, em(1.35)), em(0.62)
        p.setPen(QPen(colour("accent"), 2))
        p.drawLine(at, middle)
        p.setBrush(colour("accent"))
        p.drawEllipse(middle, radius, radius)
        p.setFont(font(0.82, weight=QFont.Weight.Bold))
        p.setPen(colour("on_accent"))
        box = QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius)
        p.drawText(box, int(Qt.AlignmentFlag.AlignCenter), letter)
        p.setBrush(Qt.BrushStyle.NoBrush)

    # the load line

    def _handle_y(self) -> float:
        return self.plot().top() - em(0.75)

    def _place_handle(self) -> None:
        if self._data is None:
            return
        self.handle.setRange(*(round(n / MIB) for n in (self._data.axes[0].low, self._data.axes[0].high)))
        own = self._line_bytes == self._data.budget_bytes
        figure = f"{self._line_bytes / GIB:.1f}" if self._line_bytes >= GIB else f"{self._line_bytes / GIB:.2f}"
        words = f"{figure} GiB, {'what this machine has' if own else 'what if there were so much'}"
        text = f"{figure} · {'drag me' if own else 'what if'}"
        self.handle.show_at(self._line_x(), self._handle_y(), self._line_bytes, text, words)

    def _round(self, wanted: float, pixels: float) -> int:
        """A round figure near `wanted` bytes, as fine as `pixels` of the screen can tell apart there."""
        assert self._data is not None
        axis, plot = self._data.axes[0], self.plot()
        wanted = min(axis.high, max(axis.low, 1.0, wanted))
        across = axis.value(axis.place(wanted) + pixels / max(plot.width(), 1)) - wanted
        step = next((s for s in ROUND_GIB if s * GIB <= across), ROUND_GIB[-1]) * GIB
        found = round(round(wanted / step) * step)
        return int(min(axis.high, max(axis.low, step, found)))

    def _move_line(self, line_bytes: int) -> None:
        if line_bytes != self._line_bytes:
            self.set_line(line_bytes)
            self.line_dragged.emit(line_bytes)

    def _grab(self) -> None:
        self._dragging = True
        self._grabbed_at = self._line_bytes

    def _drag_to(self, x: float) -> None:
        if not self._dragging or self._data is None:
            return
        axis, plot = self._data.axes[0], self.plot()
        own = plot.left() + axis.place(self._data.budget_bytes) * plot.width()
        if abs(x - own) <= 3:
            self._move_line(self._data.budget_bytes)
        else:
            self._move_line(self._round(axis.value((x - plot.left()) / max(plot.width(), 1)), 1))

    def _drop(self) -> None:
        if self._dragging:
            self._dragging = False
            if self._line_bytes != self._grabbed_at:
                self.line_dropped.emit(self._line_bytes)

    def _step_line(self, steps: int) -> None:
        if self._data is None:
            return
        axis, width = self._data.axes[0], max(self.plot().width(), 1)
        near = axis.value(axis.place(self._line_bytes) + STEP_PX / width) - self._line_bytes
        step = next((s for s in ROUND_GIB if s * GIB <= near), ROUND_GIB[-1]) * GIB
        wanted = (round(self._line_bytes / step) + steps) * step
        self._move_line(int(min(axis.high, max(axis.low, step, wanted))))

    def _line_back(self) -> None:
        if self._data is not None:
            self._dragging = False
            self._move_line(self._data.budget_bytes)
            self.line_dropped.emit(self._line_bytes)

    def _line_wished(self, line_bytes: int) -> None:
        self._move_line(line_bytes)
        self.line_dropped.emit(line_bytes)

    # pointing

    def _on_line(self, where: QPointF) -> bool:
        return self._data is not None and abs(where.x() - self._line_x()) <= 4 and self.plot().contains(where.toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._drag_to(event.position().x())
            return
        on_line = self._on_line(event.position())
        self.setCursor(Qt.CursorShape.SplitHCursor if on_line else Qt.CursorShape.ArrowCursor)
        self._hover(-1 if on_line else self.row_at(event.position()))

    def leaveEvent(self, _event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.update()
            self.hovered.emit(row)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._on_line(event.position()):
            self._grab()
            return
        self._pick(self.row_at(event.position()))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._drop()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._on_line(event.position()):
            self._line_back()
            return
        row = self.row_at(event.position())
        if row >= 0:
            self.taken.emit(row)

    def _pick(self, row: int) -> None:
        if row >= 0:
            self.select(row)
            self.picked.emit(row)

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, meant = Qt.Key(event.key()), self._hovered if self._hovered >= 0 else self._selected
        if key in (LEFT, RIGHT, UP, DOWN, Qt.Key.Key_Home, Qt.Key.Key_End):
            self._walk(key, meant)
        elif key == Qt.Key.Key_Space:
            self._pick(meant)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and meant >= 0:
            self.taken.emit(meant)
        else:
            super().keyPressEvent(event)

    def _walk(self, key: Qt.Key, meant: int) -> None:
        """Along the frontier, to its ends, or to the plan above or below."""
        if self._data is None or self._shown is None or not len(self._shown.placed.rows):
            return
        if meant >= 0 and key in (UP, DOWN):
            at, plot = self.point(meant), self.plot()
            row = self._shown.placed.neighbour(at.x() - plot.left(), at.y() - plot.top(), up=key == UP)
        else:
            row = self._along(key, meant)
        if row >= 0:
            self._hover(row)
            cost, need = self._data.y_words(float(self._data.y[row])), self._data.x[row] / GIB
            name = self._data.groups[int(self._data.group[row])].name
            self.setAccessibleDescription(f"{need:.2f} GiB, {cost}, {name}")

    def _along(self, key: Qt.Key, meant: int) -> int:
        assert self._data is not None
        data = self._data
        line = [int(r) for r in data.frontier if data.known[r] and data.among[r]] or data.shown[:1].tolist()
        if key == Qt.Key.Key_Home or (meant < 0 and key != Qt.Key.Key_End):
            return line[0]
        if key == Qt.Key.Key_End:
            return line[-1]
        here = float(data.x[meant])
        if meant in line:
            at = line.index(meant) + (1 if key == RIGHT else -1)
            return line[max(0, min(len(line) - 1, at))]
        beyond = [r for r in line if data.x[r] > here] if key == RIGHT else [r for r in line if data.x[r] < here]
        return (beyond[0] if key == RIGHT else beyond[-1]) if beyond else -1
