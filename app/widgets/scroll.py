"""A slim scroll bar: a real one, with its keys, wheel and paging, that paints only its handle; and what it scrolls."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QScrollBar, QStyle, QStyleOptionSlider, QWidget

from app.theme import colour, em
from app.widgets.surface import painter_on


class ScrollBar(QScrollBar):
    """As wide as a finger needs, painted slimmer."""

    def __init__(self, parent: QWidget | None = None, *, lying: bool = False) -> None:
        super().__init__(Qt.Orientation.Horizontal if lying else Qt.Orientation.Vertical, parent)
        self._lying = lying
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        return QSize(em(4), em(0.85)) if self._lying else QSize(em(0.85), em(4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().subControlRect(
            QStyle.ComplexControl.CC_ScrollBar, option, QStyle.SubControl.SC_ScrollBarSlider, self
        )
        p = painter_on(self)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("others"))
        p.setOpacity(0.9 if self.underMouse() or self.isSliderDown() else 0.5)
        inset = em(0.22)
        inside = (1, inset, -1, -inset) if self._lying else (inset, 1, -inset, -1)
        p.drawRoundedRect(QRectF(handle).adjusted(*inside), em(0.2), em(0.2))


class Scrolled(QScrollArea):
    """A page that scrolls where the window is lower than it, so that what it says never makes the window grow. clear: what
    it lies on is seen through it, as within a card."""

    def __init__(
        self, page: QWidget, parent: QWidget | None = None, *, clear: bool = False, least_em: float = 20
    ) -> None:
        super().__init__(parent)
        self._page, self._least_em = page, least_em
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBar(ScrollBar())
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(page)
        if clear:
            for ground in (self.viewport(), page):
                ground.setAutoFillBackground(False)

    def minimumSizeHint(self) -> QSize:
        return QSize(
            self._page.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width(), em(self._least_em)
        )
