"""Facts that are asked for off the GUI thread, one after the other: the second is built from what came of the first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from app import background
from app.document import Document
from planner.plan import Plan
from planner.problem import Problem

Build = Callable[[Plan], Any]
Put = Callable[[Plan, Any], None]
Refused = Callable[[Problem], None]


class Fetches:
    """A queue of questions to files. What was built is put to the document by whoever asked."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._waiting: deque[tuple[Build, Put, Refused]] = deque()
        self._left = False

    def ask(self, build: Build, put: Put, refused: Refused) -> None:
        """build(plan) on a thread, then put(the plan that was asked about, what came of it) on the GUI thread."""
        self._waiting.append((build, put, refused))
        if len(self._waiting) == 1:
            self._next()

    def leave(self) -> None:
        """The window closes: nobody is told any more, and nothing further is begun."""
        self._left = True

    def _next(self) -> None:
        plan = self._document.plan
        if not self._waiting or plan is None or self._left:
            return
        build, put, refused = self._waiting[0]
        background.run(
            lambda: build(plan),
            lambda built: self._over(lambda: put(plan, built)),
            lambda p: self._over(lambda: refused(p)),
        )

    def _over(self, tell: Callable[[], None]) -> None:
        if self._left:
            return
        self._waiting.popleft()
        try:
            tell()
        finally:
            self._next()
