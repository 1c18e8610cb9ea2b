"""A question put to what was explored, answered off the GUI thread: one at a time, the last wish wins."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app import background
from app.pages.explore.answered import Asked, Told, tell
from planner.problem import Problem


class Asking(QObject):
    """`told` carries a `Told`, `failed` a `Problem`."""

    told = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None, work: Callable[[Asked], Told] = tell) -> None:
        super().__init__(parent)
        self._work = work
        self._wanted = True
        self._next: Asked | None = None
        self.under_way = False

    def ask(self, asked: Asked) -> None:
        """The answer to this and to nothing older is told."""
        self._next, self._wanted = asked, True
        if not self.under_way:
            self._begin()

    def forget(self) -> None:
        """Nobody wants an answer any more; the next begins when the thread is done with this one."""
        self._next, self._wanted = None, False

    def _begin(self) -> None:
        asked, self._next = self._next, None
        if asked is None:
            return
        self.under_way = True
        background.run(lambda: self._work(asked), self._done, self._fail)

    def _done(self, told: Told) -> None:
        self.under_way = False
        if self._next is not None:
            self._begin()
        elif self._wanted:
            self.told.emit(told)

    def _fail(self, problem: Problem) -> None:
        self.under_way = False
        if self._next is not None:
            self._begin()
        elif self._wanted:
            self.failed.emit(problem)
