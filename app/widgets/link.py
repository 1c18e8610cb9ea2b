"""A button that looks like a link: one that leads to more words rather than does something."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from app.theme import colour, em, font
from app.widgets.surface import focus_ring, painter_on


class LinkButton(QToolButton):
    """A line of text in the accent's colour, underlined under the pointer; gives way with an ellipsis."""

    def __init__(self, text: str, parent: QWidget | None = None, *, size: float = 0.95) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFont(font(size))

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + em(0.5), em(1.5))

    def minimumSizeHint(self) -> QSize:
        return QSize(min(em(4), self.sizeHint().width()), em(1.5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        letters = self.font()
        letters.setUnderline(self.underMouse() and self.isEnabled())
        p.setFont(letters)
        p.setPen(colour("accent" if self.isEnabled() else "muted"))
        inset = em(0.25) if self.hasFocus() else 0  # the text stands in its column, and clear of the ring
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - inset)
        p.drawText(
            QRectF(self.rect()).adjusted(inset, 0, 0, 0),
            int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
            shown,
        )
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.3))
