"""Every plan as a point: what it needs from left to right, what it costs from below, and the load line to be dragged.

The points are painted off the GUI thread into two pictures, strong and pale; pointing, picking and dragging only paint
over them. Its table twin is the page's affair; its sentence is its accessible description.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.pages.explore.load_line import LoadLine
from app.pages.explore.marks import group_ink
from app.pages.explore.painting import paint_axes, paint_load_line, paint_pin, paint_ring, pin_reach
from app.pages.explore.picture import Look, Prepared
from app.pages.explore.points import ScatterData
from app.pages.explore.preparing import Preparing, Wish
from app.pages.explore.walking import Step, walk
from app.theme import colour, em, theme
from app.widgets.surface import focus_ring, painter_on

REACH = 0.7  # em around a point in which it is meant
RADIUS = 0.24  # em, of a marker
STRENGTH = 0.7  # of a marker's fill, so that those below shine through
ON_LINE_PX = 4  # from the load line, within which it is meant and no point
STEPS = {
    Qt.Key.Key_Left: Step.LEFT,
    Qt.Key.Key_Right: Step.RIGHT,
    Qt.Key.Key_Up: Step.UP,
    Qt.Key.Key_Down: Step.DOWN,
    Qt.Key.Key_Home: Step.FIRST,
    Qt.Key.Key_End: Step.LAST,
}


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
        self._selected = self._hovered = -1
        self._pins: tuple[int, int] = (-1, -1)
        self._shown: Prepared | None = None
        self._ground: QPixmap | None = None  # axes and marks, painted once
        self.painted = {"points": 0, "ground": 0, "over": 0}  # how often each was done; a test looks here
        self._preparing = Preparing(self, self._take)
        self.line = LoadLine(self)
        self.line.dragged.connect(self.line_dragged)
        self.line.dropped.connect(self.line_dropped)
        self.line.moved.connect(self._line_moved)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Every combination")
        theme().changed.connect(self._restyle)

    # what is shown

    def show_data(self, data: ScatterData | None) -> None:
        """Show these plans. The load line stays where it was put, unless the machine's own has changed."""
        self._hover(-1)
        before, self._data = self._data, data
        self._ground = None
        self.update()
        if data is None:
            self._shown = None
            self.line.hide()
            return
        if before is None or not data.same_places(before):
            self._shown = None  # a picture of other plans would be a lie
            self._selected, self._pins = -1, (-1, -1)
        self.setAccessibleName(f"{data.x_title} against {data.y_title}")
        self.setAccessibleDescription(data.whole_sentence)
        self.line.show_on(data.axes[0], data.budget_bytes)
        self._prepare()

    def say(self, sentence: str) -> None:
        """Another sentence for the same points, as after the load line moved."""
        self.setAccessibleDescription(sentence)

    def select(self, row: int) -> None:
        """Ring a plan; −1: none."""
        before, self._selected = self._selected, row
        self._update_at(before, row)

    def pin(self, a: int = -1, b: int = -1) -> None:
        """Mark the plans that are compared, with their letters."""
        before, self._pins = self._pins, (a, b)
        self._update_at(*before, a, b)

    @property
    def line_bytes(self) -> int:
        return self.line.line_bytes

    def set_line(self, line_bytes: int) -> None:
        """Put the load line somewhere, telling nobody."""
        if line_bytes != self.line_bytes:
            self.line.set_line(line_bytes)

    def _line_moved(self, before: float, after: float) -> None:
        """Paint again between where it was and where it is, and nothing else."""
        left, right = sorted((before, after))
        self.update(QRect(int(left) - em(), 0, int(right - left) + 2 * em() + 1, self.height()))

    @property
    def ready(self) -> bool:
        """Whether the points on the screen are those that were given last, in this size."""
        wish = self._wish()
        return wish is None or wish.is_met_by(self._shown)

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

    # preparing the picture

    def _look(self) -> Look:
        assert self._data is not None
        inks = tuple(group_ink(i, opacity=STRENGTH) for i in range(len(self._data.groups)))
        return Look(em() * RADIUS, em() * REACH, inks, colour("text"), colour("card"))

    def _wish(self) -> Wish | None:
        if self._data is None or self.plot().isEmpty():
            return None
        return Wish(self._data, self.plot().size(), self.devicePixelRatioF(), self._look())

    def _prepare(self) -> None:
        """Have the picture made anew, if it is not what is wished for and somebody can see it."""
        wish = self._wish()
        if wish is not None and self.isVisible() and not wish.is_met_by(self._shown):
            self._preparing.ask(wish)

    def _take(self, made: Prepared) -> None:
        self.painted["points"] += 1
        if self._data is not None and made.data.same_places(self._data):
            self._shown = made
            self.update()
        if self.ready:
            self.prepared.emit()

    def _restyle(self) -> None:
        self._ground = None
        self.line.set_plot(self.plot())
        self._prepare()
        self.update()

    def showEvent(self, _event: QShowEvent) -> None:
        self._prepare()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._ground = None
        self.line.set_plot(self.plot())
        self._prepare()

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.painted["over"] += 1
        p = painter_on(self)
        if self._data is not None and not self.plot().isEmpty():
            if self._ground is None or self._ground.devicePixelRatio() != self.devicePixelRatioF():
                self._paint_ground()
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
        paint_axes(p, self._data, self.plot())
        p.end()

    def _beyond(self) -> QRectF:
        """The part of the plot right of the load line."""
        plot = QRectF(self.plot())
        plot.setLeft(self.line.x_of(self.line_bytes))
        return plot

    def _paint_beyond(self, p: QPainter) -> None:
        veil = QColor(colour("field"))
        veil.setAlphaF(0.6)
        p.fillRect(self._beyond(), veil)

    def _paint_points(self, p: QPainter) -> None:
        shown = self._shown
        if shown is None:
            return
        plot, x = self.plot(), round(self.line.x_of(self.line_bytes))
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
        own = None if self.line.own else self.line.x_of(self.line.own_bytes)
        x, top = self.line.x_of(self.line_bytes), self.line.ring_bottom()
        paint_load_line(p, self.plot(), x, top, own)

    def _paint_meant(self, p: QPainter) -> None:
        for row, role, radius in ((self._selected, "bad", em(0.58)), (self._hovered, "text", em(0.45))):
            if self._has_place(row):
                paint_ring(p, self.point(row), role, radius)
        for letter, row in zip("AB", self._pins, strict=True):
            if self._has_place(row):
                paint_pin(p, letter, self.point(row))

    def _has_place(self, row: int) -> bool:
        return self._data is not None and 0 <= row < len(self._data.x) and bool(self._data.known[row])

    def _update_at(self, *rows: int) -> None:
        """Paint again round these plans, and nothing else: a hover over a large chart costs what a small one does."""
        reach = pin_reach()
        for row in rows:
            if self._has_place(row):
                at = self.point(row).toPoint()
                self.update(QRect(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach))

    # pointing

    def _on_line(self, where: QPointF) -> bool:
        near = abs(where.x() - self.line.x_of(self.line_bytes)) <= ON_LINE_PX
        return self._data is not None and near and self.plot().contains(where.toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.line.dragging:
            self.line.drag_to(event.position().x())
            return
        on_line = self._on_line(event.position())
        self.setCursor(Qt.CursorShape.SplitHCursor if on_line else Qt.CursorShape.ArrowCursor)
        self._hover(-1 if on_line else self.row_at(event.position()))

    def leaveEvent(self, _event: QEvent) -> None:
        self._hover(-1)

    def point_at_nothing(self) -> None:
        """What Return takes is then what is selected, and nothing where nothing is."""
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            before, self._hovered = self._hovered, row
            self._update_at(before, row)
            self.hovered.emit(row)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._on_line(event.position()):
            self.line.grab_line()
            return
        self._pick(self.row_at(event.position()))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self.line.drop_line()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._on_line(event.position()):
            self.line.back()
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
        if key in STEPS:
            self._walk(STEPS[key], meant)
        elif key == Qt.Key.Key_Space:
            self._pick(meant)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and meant >= 0:
            self.taken.emit(meant)
        else:
            super().keyPressEvent(event)

    def _walk(self, step: Step, meant: int) -> None:
        if self._data is None or self._shown is None:
            return
        row = walk(self._data, self._shown.placed, step, meant if self._has_place(meant) else -1)
        if row >= 0:
            self._hover(row)
            self.setAccessibleDescription(self._data.words_of(row))
