"""One answer of a filter: a check box with how many plans it has at the right. A real one, which paints itself."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QWidget

from app.theme import colour, em, figures, font
from app.widgets.surface import focus_ring, painter_on

HEIGHT_EM, BOX_EM, GAP_EM = 1.5, 0.95, 0.55
ONLY = "Ctrl+click or Ctrl+Space: this one only"


class AnswerBox(QCheckBox):
    """`only` when a person wants this answer and no other of its question."""

    only = Signal()

    def __init__(self, question: str, answer: str, parent: QWidget | None = None) -> None:
        super().__init__(answer, parent)
        self._count = 0
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{question}: {answer}")
        self.setToolTip(f"{answer}\n{ONLY}")

    def show_count(self, count: int) -> None:
        """How many plans it has beside the other filters."""
        if count != self._count or not self.accessibleDescription():
            self._count = count
            self.setAccessibleDescription(f"{count:,} plans. {ONLY}")
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.only.emit()
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.only.emit()
        else:
            super().keyPressEvent(event)

    def hitButton(self, _where: object) -> bool:
        """The whole line is the button."""
        return True

    def sizeHint(self) -> QSize:
        return QSize(em(13), em(HEIGHT_EM))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(7), em(HEIGHT_EM))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        rect, side = QRectF(self.rect()), float(em(BOX_EM))
        box = QRectF(2, (rect.height() - side) / 2, side, side)
        on = self.isChecked()
        p.setPen(QPen(colour("accent" if on else "text" if self.underMouse() else "muted"), 1.3))
        p.setBrush(colour("accent" if on else "field"))
        p.drawRoundedRect(box, side * 0.22, side * 0.22)
        if on:
            tick = ((0.23, 0.53), (0.42, 0.72), (0.78, 0.3))
            p.setPen(QPen(colour("on_accent"), max(1.5, side * 0.13), c=Qt.PenCapStyle.RoundCap))
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawPolyline(QPolygonF([QPointF(box.x() + x * side, box.y() + y * side) for x, y in tick]))
        count = f"{self._count:,}"
        p.setFont(figures(0.85))
        count_wide = p.fontMetrics().horizontalAdvance(count)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        p.setPen(colour("muted"))
        p.drawText(rect.adjusted(0, 0, -2, 0), middle | int(Qt.AlignmentFlag.AlignRight), count)
        left = rect.adjusted(side + em(GAP_EM), 0, -count_wide - em(0.5), 0)
        p.setFont(font(0.95))
        p.setPen(colour("text" if on and self._count else "muted"))
        shown = p.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, round(left.width()))
        p.drawText(left, middle, shown)
        if self.hasFocus():
            focus_ring(p, rect, em(0.3))
