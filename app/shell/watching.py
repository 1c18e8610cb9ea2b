"""The watch as the window has it: which process, chosen in a dialog, shown on its page against whatever plan is open."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from app.document import Document
from app.pages.watch.choosing import ChooseProcess
from app.pages.watch.page import WatchPage
from app.pages.watch.state import said_of_plan
from app.watcher import Watcher


class Watching(QObject):
    """`attached` when a process is watched from now on; `choose_wanted` when the page asks for the list."""

    attached = Signal()
    choose_wanted = Signal()
    problem = Signal(object)

    def __init__(self, document: Document, page: WatchPage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.watcher = Watcher(self)
        self.dialog: ChooseProcess | None = None
        self._page = page
        document.changed.connect(lambda estimate: self.watcher.show_plan(said_of_plan(estimate)))
        self.watcher.changed.connect(page.show_record)
        self.watcher.detached.connect(page.show_nothing)
        self.watcher.attached.connect(self.attached.emit)
        self.watcher.problem.connect(self.problem.emit)
        page.choose_wanted.connect(self.choose_wanted.emit)
        page.detach_wanted.connect(self.watcher.detach)
        page.children_wanted.connect(self.watcher.add_children)

    def ask(self, window: QWidget) -> None:
        """Show the list of processes."""
        self.dialog = ChooseProcess(window)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.problem.connect(self.problem.emit)
        self.dialog.chosen.connect(self.watcher.attach)
        self.dialog.open()

    def stop(self) -> None:
        """The window closes."""
        self.watcher.detach()
