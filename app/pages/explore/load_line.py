"""The scatter's load line: where it stands, and its handle that is dragged, by mouse or by keys, with the figure beside.

A slider to assistive programs, in MiB. It knows an axis and the plot's rectangle, and nothing of points: the scatter
paints the line itself, under the handle.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QWidget

from app.pages.explore.axis import Axis
from app.theme import colour, em, font
from app.widgets.surface import focus_ring, painter_on
from planner.units import GIB, MIB

STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}
PAGES = {Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
FAR = 10  # steps that Shift makes of one
SNAP_PX = 3  # from where the machine has it, within which a dragged line goes there


class LoadLine(QAbstractSlider):
    """`dragged, dropped` carry the bytes that the line stands at, while it moves and when it is let go; `moved` the
    places before and after, however it was moved."""

    dragged = Signal(object)
    dropped = Signal(object)
    moved = Signal(float, float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._axis, self._plot = Axis(0.0, 1.0), QRect()
        self.own_bytes = self.line_bytes = 0
        self.text = ""
        self._flipped = self._following = self.dragging = False
        self._grabbed_bytes = 0
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName("Load line")
        self.setToolTip("Drag: what if there were more or less memory?\nDouble click: back to what this machine has")
        self.valueChanged.connect(self._on_value)
        self.hide()

    # where it stands

    def show_on(self, axis: Axis, own_bytes: int) -> None:
        """A new axis. The line stays where it was put, unless the machine's own has changed."""
        self._axis = axis
        if own_bytes != self.own_bytes:
            self.own_bytes = self.line_bytes = own_bytes
        self._place()
        self.show()

    def set_plot(self, plot: QRect) -> None:
        self._plot = plot
        self._place()

    def set_line(self, line_bytes: int) -> None:
        """Put the line somewhere, telling nobody but who paints it."""
        before, self.line_bytes = self.x_of(self.line_bytes), line_bytes
        self._place()
        self.moved.emit(before, self.x_of(line_bytes))

    @property
    def own(self) -> bool:
        """Whether it stands where the machine has it."""
        return self.line_bytes == self.own_bytes

    def x_of(self, size: float) -> float:
        """Where so many bytes are in the parent, or the nearer end of the axis."""
        return self._plot.left() + min(1.0, max(0.0, self._axis.place(size))) * self._plot.width()

    def ring_bottom(self) -> float:
        """From where the line goes down."""
        return self._ring_y() + em(0.5)

    def _ring_y(self) -> float:
        return self._plot.top() - em(0.75)

    @staticmethod
    def reach() -> int:
        """From the handle's end to the middle of the ring."""
        return em(1.3)

    def _place(self) -> None:
        """Ring over the line, the text to its right where there is room."""
        gib = self.line_bytes / GIB
        figure = f"{gib:.1f}" if gib >= 1 else f"{gib:.2f}"
        self.text = f"{figure} · {'drag me' if self.own else 'what if'}"
        meant = "what this machine has" if self.own else "what if there were so much"
        self.setAccessibleDescription(f"{figure} GiB, {meant}")
        self._following = True
        self.setRange(round(self._axis.low / MIB), round(self._axis.high / MIB))
        self.setValue(round(self.line_bytes / MIB))
        self._following = False
        x, size, parent = self.x_of(self.line_bytes), self.sizeHint(), self.parentWidget()
        self._flipped = parent is not None and x - self.reach() + size.width() > parent.width()
        left = x - size.width() + self.reach() if self._flipped else x - self.reach()
        self.setGeometry(round(left), round(self._ring_y() - size.height() / 2), size.width(), size.height())
        self.update()

    # moving it

    def _move_to(self, line_bytes: int) -> None:
        if line_bytes != self.line_bytes:
            self.set_line(line_bytes)
            self.dragged.emit(line_bytes)

    def grab_line(self) -> None:
        self.dragging, self._grabbed_bytes = True, self.line_bytes

    def drag_to(self, x: float) -> None:
        """x: the pointer's, in the parent."""
        if not self.dragging:
            return
        if abs(x - self.x_of(self.own_bytes)) <= SNAP_PX:
            self._move_to(self.own_bytes)
        else:
            width = max(self._plot.width(), 1)
            self._move_to(self._axis.round_bytes((x - self._plot.left()) / width, width))

    def drop_line(self) -> None:
        if self.dragging:
            self.dragging = False
            if self.line_bytes != self._grabbed_bytes:
                self.dropped.emit(self.line_bytes)

    def back(self) -> None:
        """To what the machine has."""
        self.dragging = False
        self._move_to(self.own_bytes)
        self.dropped.emit(self.line_bytes)

    def _on_value(self, value: int) -> None:
        """An assistive program set it."""
        if not self._following:
            self._move_to(value * MIB)
            self.dropped.emit(self.line_bytes)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.grab_line()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.drag_to(self.mapToParent(event.position()).x())

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self.drop_line()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.back()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        steps = (STEPS | PAGES).get(key)
        if steps is not None:
            far = FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self._move_to(self._axis.step_bytes(self.line_bytes, steps * far, self._plot.width()))
        elif key == Qt.Key.Key_Home:
            self.back()
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if Qt.Key(event.key()) in STEPS | PAGES and not event.isAutoRepeat():
            self.dropped.emit(self.line_bytes)

    # its looks

    def _face(self) -> QFont:
        return font(0.9, weight=QFont.Weight.DemiBold)

    def sizeHint(self) -> QSize:
        wide = QFontMetricsF(self._face()).horizontalAdvance(self.text)
        return QSize(round(2 * self.reach() + wide + em(0.5)), em(1.7))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        ring, y = em(0.5), self.height() / 2
        x = self.width() - self.reach() if self._flipped else self.reach()
        p.setPen(QPen(colour("text"), 2.2))
        p.setBrush(colour("card"))
        p.drawEllipse(QPointF(x, y), ring, ring)
        p.drawLine(QPointF(x - ring * 1.9, y), QPointF(x + ring * 1.9, y))
        p.setFont(self._face())
        inner = QRectF(self.rect()).adjusted(em(0.3), 0, -em(0.3), 0)
        side = Qt.AlignmentFlag.AlignLeft if self._flipped else Qt.AlignmentFlag.AlignRight
        p.drawText(inner, int(side | Qt.AlignmentFlag.AlignVCenter), self.text)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.4))
