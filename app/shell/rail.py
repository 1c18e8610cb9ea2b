"""The left rail: the mark, and one button per page that exists."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QColor, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QVBoxLayout, QWidget

from app.icons import tinted
from app.theme import colour, em
from app.widgets.buttons import RailButton
from app.widgets.surface import painter_on


class Mark(QWidget):
    """The load line's mark: a circle with a line through it."""

    def sizeHint(self) -> QSize:
        return QSize(em(4.6), em(3.2))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        side = em(2.9)
        tinted("mark", QColor("#ffffff")).paint(p, (self.width() - side) // 2, (self.height() - side) // 2, side, side)


class Rail(QWidget):
    """`chosen` carries the number of a page."""

    chosen = Signal(int)

    def __init__(self, pages: tuple[tuple[str, str], ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Pages")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(0.45), em(0.6), em(0.45), em(0.6))
        layout.setSpacing(em(0.35))
        layout.addWidget(Mark())
        self._group = QButtonGroup(self)
        for i, (name, icon) in enumerate(pages):
            button = RailButton(name, icon)
            button.setAccessibleName(f"{name} page button")
            button.setToolTip(f"{name} (Ctrl+{i + 1})")
            self._group.addButton(button, i)
            layout.addWidget(button)
        layout.addStretch(1)
        self._group.idClicked.connect(self.chosen.emit)

    def show_page(self, number: int) -> None:
        self._group.button(number).setChecked(True)

    def sizeHint(self) -> QSize:
        return QSize(em(5.5), em(20))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.fillRect(QRectF(self.rect()), colour("rail"))
