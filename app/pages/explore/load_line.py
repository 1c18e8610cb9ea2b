"""The handle of the scatter's load line: the mark that is dragged, by mouse or by keys, with the figure beside it.

A slider to assistive programs, in MiB. It knows its own looks and keys; where the line may stand is the scatter's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QWidget

from app.theme import colour, em, font
from app.widgets.surface import focus_ring, painter_on
from planner.units import MIB

STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}
PAGES = {Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
FAR = 10  # steps that Shift makes of one


class LoadLineHandle(QAbstractSlider):
    """`stepped` says by how many steps keys move the line, `let_go` that they are let go, `back` that the line shall
    stand where the machine has it; `grabbed, moved, dropped` carry the pointer's place in the parent; `wished` a value
    that an assistive program set."""

    stepped = Signal(int)
    let_go = Signal()
    back = Signal()
    grabbed = Signal()
    moved = Signal(QPointF)
    dropped = Signal()
    wished = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = ""
        self._flipped = False
        self._following = False
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName("Load line")
        self.setToolTip("Drag: what if there were more or less memory?\nDouble click: back to what this machine has")
        self.valueChanged.connect(self._on_value)

    def show_at(self, x: float, y: float, line_bytes: int, ends: tuple[int, int], text: str, words: str) -> None:
        """Stand with the ring's middle at (x, y) of the parent, the text to its right where there is room. ends: bytes
        between which the line may stand."""
        self._following = True
        self.setRange(*(round(n / MIB) for n in ends))
        self.setValue(round(line_bytes / MIB))
        self._following = False
        self._text = text
        self.setAccessibleDescription(words)
        size, parent = self.sizeHint(), self.parentWidget()
        self._flipped = parent is not None and x - self._reach() + size.width() > parent.width()
        left = x - size.width() + self._reach() if self._flipped else x - self._reach()
        self.setGeometry(round(left), round(y - size.height() / 2), size.width(), size.height())
        self.update()

    def _on_value(self, value: int) -> None:
        if not self._following:
            self.wished.emit(value * MIB)

    @staticmethod
    def _reach() -> int:
        """From the handle's end to the middle of the ring."""
        return em(1.3)

    def _face(self) -> QFont:
        return font(0.9, weight=QFont.Weight.DemiBold)

    def sizeHint(self) -> QSize:
        wide = QFontMetricsF(self._face()).horizontalAdvance(self._text)
        return QSize(round(2 * self._reach() + wide + em(0.5)), em(1.7))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        ring, y = em(0.5), self.height() / 2
        x = self.width() - self._reach() if self._flipped else self._reach()
        p.setPen(QPen(colour("text"), 2.2))
        p.setBrush(colour("card"))
        p.drawEllipse(QPointF(x, y), ring, ring)
        p.drawLine(QPointF(x - ring * 1.9, y), QPointF(x + ring * 1.9, y))
        p.setFont(self._face())
        inner = QRectF(self.rect()).adjusted(em(0.3), 0, -em(0.3), 0)
        side = Qt.AlignmentFlag.AlignLeft if self._flipped else Qt.AlignmentFlag.AlignRight
        p.drawText(inner, int(side | Qt.AlignmentFlag.AlignVCenter), self._text)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.4))

    # the pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.grabbed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.moved.emit(self.mapToParent(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.dropped.emit()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.back.emit()

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        far = FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        if key in STEPS:
            self.stepped.emit(STEPS[key] * far)
        elif key in PAGES:
            self.stepped.emit(PAGES[key])
        elif key == Qt.Key.Key_Home:
            self.back.emit()
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if Qt.Key(event.key()) in STEPS | PAGES and not event.isAutoRepeat():
            self.let_go.emit()
