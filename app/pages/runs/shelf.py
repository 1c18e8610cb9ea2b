"""Looks at the folder of runs, off the GUI thread, every two seconds: so runs of the command line and of other windows appear.

One look at a time; what has not changed is not opened. `changed` comes only when something is different. It also knows
the order of the queue, and tells which runs came to an end between two looks, for whoever wants to say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer, Signal

from app import background
from planner.problem import Problem, ProblemError
from planner.run import queue
from planner.run.disk_use import DiskUse, count, with_disk
from planner.run.library import Library, RunSummary, look
from planner.run.queue import Queued

LOOK_EVERY_MS = 2000


@dataclass(frozen=True)
class Seen:
    """All that one look gave."""

    library: Library
    uses: Mapping[str, DiskUse] = field(default_factory=dict)
    queued: tuple[Queued, ...] = ()
    problem: Problem | None = None


def see(before: Seen | None) -> Seen:
    """One look; for a thread."""
    library = look(before=before.library if before else None)
    uses = count(library, before.uses if before else {})
    try:
        return Seen(with_disk(library, uses), uses, queue.waiting())
    except ProblemError as error:
        return Seen(with_disk(library, uses), uses, (), error.problem)


class Shelf(QObject):
    """`changed` carries a `Seen`; `went` the (before, now) of a run whose state is another one than at the look before."""

    changed = Signal(object)
    went = Signal(object, object)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seen: Seen | None = None
        self.looks = 0  # that have come back; a test waits for the next
        self._looking = self._again = self._left = False
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def watch(self) -> None:
        """Look now and every two seconds from now on."""
        self._timer.start()
        self.look()

    def leave(self) -> None:
        """The window closes."""
        self._left = True
        self._timer.stop()

    def look(self) -> None:
        """Look now; after the look under way, if there is one."""
        if self._left:
            return
        if self._looking:
            self._again = True
            return
        self._looking, self._again = True, False
        before = self.seen
        background.run(lambda: see(before), self._saw, self._blind)

    def _saw(self, seen: Seen) -> None:
        if self._left:
            return
        before, self.seen = self.seen, seen
        self._looking = False
        self.looks += 1
        if before is None or not _same(before, seen):
            self.changed.emit(seen)
        if before is not None:
            for run in seen.library.runs:
                was = before.library.by_key.get(run.key)
                if was is not None and was.state is not run.state:
                    self.went.emit(was, run)
        if seen.problem is not None and (before is None or before.problem != seen.problem):
            self.problem.emit(seen.problem)
        if self._again:
            self.look()

    def _blind(self, problem: Problem) -> None:
        if not self._left:
            self._looking = False
            self.problem.emit(problem)


def _same(a: Seen, b: Seen) -> bool:
    return a.queued == b.queued and a.uses == b.uses and _same_runs(a.library.runs, b.library.runs)


def _same_runs(a: tuple[RunSummary, ...], b: tuple[RunSummary, ...]) -> bool:
    """By identity where nothing changed: a loss that is not a number is never equal to itself."""
    return len(a) == len(b) and all(x is y or x == y for x, y in zip(a, b, strict=True))
