"""One of several pages of a panel: a flat button of which one at a time is down, marked by a line and not by colour alone."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPaintEvent
from PySide6.QtWidgets import QToolButton, QWidget

from app.theme import colour, em, font
from app.widgets.surface import focus_ring, painter_on


class Tab(QToolButton):
    """Checkable; put several into a `QButtonGroup`."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(font(0.95, weight=QFont.Weight.Medium))

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + em(1.2), em(1.9))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        p, rect = painter_on(self), QRectF(self.rect())
        if self.underMouse():
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(colour("field"))
            p.drawRoundedRect(rect, em(0.35), em(0.35))
        p.setFont(self.font())
        p.setPen(colour("text" if self.isChecked() else "muted"))
        p.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), self.text())
        if self.isChecked():
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(colour("accent"))
            p.drawRoundedRect(QRectF(em(0.5), rect.height() - 3, rect.width() - em(1.0), 3), 1.5, 1.5)
        if self.hasFocus():
            focus_ring(p, rect, em(0.35))
