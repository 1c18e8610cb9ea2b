"""The line under the page: what is so where the load line stands at the left; other looks and copies at the right."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.pages.explore.chart_card import CHART, PINS, TABLE
from app.theme import colour, em
from app.widgets.link import LinkButton
from app.widgets.surface import Elided, painter_on

VIEWS = ((CHART, "chart"), (TABLE, "table view"), (PINS, "A against B"))


class Foot(QWidget):
    """`view_wanted` carries one of `VIEWS`; the others say what a person asks for. `back_wanted`: to the machine's own line."""

    view_wanted = Signal(int)
    copy_wanted = Signal()
    picture_wanted = Signal()
    back_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, em(0.3), 0, 0)
        row.setSpacing(em(0.9))
        self._hint, self._stale = "", ""
        self.hint = Elided("", "muted", 0.95)
        self.hint.setAccessibleName("What the load line says")
        row.addWidget(self.hint, 1)
        self.back = self._link("back to what is free", "Put the load line where this machine has it (Home)")
        self.back.clicked.connect(self.back_wanted.emit)
        self.back.hide()
        self.views: dict[int, LinkButton] = {}
        row.addWidget(self.back)
        for view, text in VIEWS:
            link = self._link(text, f"Show the {text}")
            link.clicked.connect(lambda _on=False, view=view: self.view_wanted.emit(view))
            row.addWidget(link)
            self.views[view] = link
        self.copy = self._link("copy as text", "Copy the plans shown, as a table")
        self.copy.clicked.connect(self.copy_wanted.emit)
        self.picture = self._link("copy picture", "Copy the chart as a picture")
        self.picture.clicked.connect(self.picture_wanted.emit)
        row.addWidget(self.copy)
        row.addWidget(self.picture)
        self.show_view(CHART)

    @staticmethod
    def _link(text: str, tip: str) -> LinkButton:
        link = LinkButton(text)
        link.setAccessibleName(text[:1].upper() + text[1:])
        link.setAccessibleDescription(tip)
        link.setToolTip(tip)
        return link

    def show_view(self, view: int) -> None:
        """The look that is shown needs no link to it."""
        for one, link in self.views.items():
            link.setVisible(one != view)

    def show_hint(self, what_if: bool, text: str) -> None:
        self._hint = text
        self.back.setVisible(what_if)
        self._show()

    def show_stale(self, words: str) -> None:
        """Above all else: that what is shown is of a plan as it was. Empty where it is not."""
        self._stale = words
        self._show()

    def show_pins(self, words: str) -> None:
        """What is pinned, for the link to the comparison."""
        self.views[PINS].setToolTip(words)
        self.views[PINS].setAccessibleDescription(words)

    def _show(self) -> None:
        self.hint.setText(self._stale or self._hint)
        self.hint.set_role("warn" if self._stale else "text" if self.back.isVisibleTo(self) else "muted")

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("border"), 1))
        p.drawLine(QRectF(self.rect()).topLeft(), QRectF(self.rect()).topRight())
