"""The Explore page's place in the window. The page is made when it is first shown or asked for: what it computes with takes
longer to load than the window's first picture may.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.document import Document

if TYPE_CHECKING:
    from app.pages.explore.page import ExplorePage
    from app.shell.exploring import Exploring


class ExploreLater(QWidget):
    """`acted, problem, plan_page_wanted` are those of the page and its join."""

    acted = Signal(str)
    problem = Signal(object)
    plan_page_wanted = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)

    @cached_property
    def exploring(self) -> Exploring:
        """The page with what joins it to the plan, made now if it is not there yet."""
        from app.pages.explore.page import ExplorePage
        from app.shell.exploring import Exploring

        page = ExplorePage()
        made = Exploring(self._document, page, self)
        made.acted.connect(self.acted.emit)
        made.problem.connect(self.problem.emit)
        page.plan_page_wanted.connect(self.plan_page_wanted.emit)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(page)
        return made

    @property
    def page(self) -> ExplorePage:
        return self.exploring.page

    def leave(self) -> None:
        """The window closes."""
        if "exploring" in self.__dict__:
            self.exploring.leave()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        _ = self.exploring
