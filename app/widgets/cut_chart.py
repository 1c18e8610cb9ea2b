"""The histogram of row lengths with the cut-off line to drag: a slider to keyboards and assistive programs, in tokens.

While the line is dragged it tells `dragged`, when it is let go `dropped`, once. It knows no plan and prices nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, QMouseEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from app.shown import Bins
from app.theme import colour, em, figures, font
from app.widgets.histogram import paint_bins
from app.widgets.surface import focus_ring, painter_on

STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}
PAGES = {Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
FAR = 10  # steps that Shift makes of one
GRAB_EM = 0.9


class CutChart(QAbstractSlider):
    """`dragged, dropped` carry the tokens after which rows are cut."""

    dragged = Signal(int)
    dropped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bins: Bins | None = None
        self._step = 1
        self.length = self._from = 0
        self._dragging = self._by_keys = self._following = False
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Cut-off line")
        self.valueChanged.connect(self._on_value)

    def show_bins(self, bins: Bins | None, step: int, shortest: int) -> None:
        """Rows by length, and the line where the plan has it; a line that is being dragged stays."""
        self._bins, self._step = bins, step
        self.setVisible(bins is not None)
        if bins is None:
            return
        self._following = True
        self.setRange(shortest, max(bins.longest, shortest))
        self.setSingleStep(step)
        self.setPageStep(10 * step)
        self._following = False
        if not (self._dragging or self._by_keys):
            self._place(bins.cut)

    def say(self, sentence: str) -> None:
        self.setAccessibleDescription(sentence)

    def _place(self, length: int) -> None:
        self.length = length
        self._following = True
        self.setValue(length)
        self._following = False
        self.update()

    # where things are

    def _plot(self) -> QRectF:
        return QRectF(em(0.6), em(2.2), max(1.0, self.width() - em(1.2)), max(1.0, self.height() - em(3.7)))

    def x_of(self, length: float) -> float:
        """Where so many tokens are; what lies beyond the longest row stands at the right end."""
        plot = self._plot()
        return plot.left() + min(1.0, length / max(self.maximum(), 1)) * plot.width()

    def _length_at(self, x: float) -> int:
        plot = self._plot()
        length = (x - plot.left()) / plot.width() * self.maximum()
        return self._bounded(round(length / self._step) * self._step)

    def _bounded(self, length: int) -> int:
        return min(max(length, self.minimum()), self.maximum())

    # moving it

    def _move_to(self, length: int) -> None:
        if length != self.length:
            self._place(length)
            self.dragged.emit(length)

    def _drop(self) -> None:
        self._dragging = self._by_keys = False
        if self.length != self._from:
            self.dropped.emit(self.length)

    def _on_value(self, value: int) -> None:
        """An assistive program set it."""
        if not self._following and value != self.length:
            self.length = value
            self.update()
            self.dropped.emit(value)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._bins is not None:
            self._dragging, self._from = True, self.length
            if abs(event.position().x() - self.x_of(self.length)) > em(GRAB_EM):
                self._move_to(self._length_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        near = abs(event.position().x() - self.x_of(self.length)) <= em(GRAB_EM)
        self.setCursor(Qt.CursorShape.SplitHCursor if near or self._dragging else Qt.CursorShape.ArrowCursor)
        if self._dragging:
            self._move_to(self._length_at(event.position().x()))

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        if self._dragging:
            self._drop()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        steps = (STEPS | PAGES).get(key)
        if steps is None and key not in (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape):
            event.ignore()
            return
        if key == Qt.Key.Key_Escape:
            if not self._by_keys:
                event.ignore()
                return
            self._move_to(self._from)
            self._by_keys = False
            return
        if not self._by_keys:
            self._by_keys, self._from = True, self.length
        far = FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        if steps is None:
            self._move_to(self.minimum() if key == Qt.Key.Key_Home else self.maximum())
        else:
            self._move_to(self._bounded(min(self.length, self.maximum()) + steps * far * self._step))

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if self._by_keys and not event.isAutoRepeat():
            self._drop()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._by_keys:
            self._drop()
        super().focusOutEvent(event)

    # its looks

    def sizeHint(self) -> QSize:
        return QSize(em(30), em(11))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(14), em(7))

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._bins is None:
            return
        p, plot = painter_on(self), self._plot()
        paint_bins(p, self._bins, plot, self.length, self.maximum())
        p.setPen(QPen(colour("border"), 1))
        p.drawLine(plot.bottomLeft(), plot.bottomRight())
        p.setFont(figures(0.85))
        p.setPen(colour("muted"))
        under = QRectF(plot.left(), plot.bottom() + 2, plot.width(), em(1.3))
        for i in range(5):
            tokens = self.maximum() * i / 4
            side = (
                Qt.AlignmentFlag.AlignLeft
                if i == 0
                else Qt.AlignmentFlag.AlignRight
                if i == 4
                else Qt.AlignmentFlag.AlignHCenter
            )
            box = under if i in (0, 4) else QRectF(self.x_of(tokens) - em(3), under.top(), em(6), under.height())
            p.drawText(
                box, int(side | Qt.AlignmentFlag.AlignVCenter), f"{round(tokens):,}" + (" tokens" if i == 4 else "")
            )
        x = self.x_of(self.length)
        p.setPen(QPen(colour("bad"), 2))
        p.drawLine(QPointF(x, em(1.3)), QPointF(x, plot.bottom()))
        ring = QRectF(x - em(0.45), em(0.85), em(0.9), em(0.9))
        p.setBrush(colour("card"))
        p.drawEllipse(ring)
        p.setFont(font(0.92, weight=QFont.Weight.DemiBold))
        text = f"cut at {self.length:,}" if self.length < self.maximum() else f"{self.length:,}: nothing is cut"
        room = p.fontMetrics().horizontalAdvance(text) + 2
        left = x + em(0.8) if x + em(0.8) + room < self.width() else x - em(0.8) - room
        p.drawText(QRectF(left, em(0.6), room, em(1.4)), int(Qt.AlignmentFlag.AlignVCenter), text)
        if self.hasFocus():
            focus_ring(p, ring.adjusted(-3, -3, 3, 3), em(0.7))
