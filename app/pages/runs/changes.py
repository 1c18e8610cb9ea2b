"""What the page changes on the disk, off the GUI thread: names, tags and notes, deleting and its undo, the queue's order.

Each change is told when it is done; what cannot be done is a `Problem`. It starts no run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app import background
from app.pages.runs.words import runs_words
from planner.problem import Problem, ProblemError
from planner.run import about, keeper, layout, queue
from planner.run.about import About
from planner.run.trash import Deleted, Trash, sweep
from planner.units import words


class Changes(QObject):
    """`changed` when the folders are another now; `deleted` carries what can be taken back, in words; `restored` keys."""

    changed = Signal()
    deleted = Signal(str)
    restored = Signal(object)
    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.trash = Trash()
        self._deleted: list[tuple[Deleted, str]] = []
        self._busy = self._left = self._working = False
        self._waiting: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()

    def _do(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """One after the other, in the order asked: two at once could each write over what the other has written."""
        self._waiting.append((work, done))
        self._next()

    def _next(self) -> None:
        if self._working or not self._waiting:
            return
        self._working = True
        work, done = self._waiting.popleft()

        def finished(found: Any) -> None:
            self._working = False
            if not self._left:
                done(found)
            self._next()

        background.run(work, finished, self._refused)

    def _refused(self, problem: Problem) -> None:
        self._working = self._busy = False
        self._next()
        self._tell(problem)
        if not self._left:
            self.changed.emit()

    def _tell(self, problem: Problem) -> None:
        if not self._left:
            self.problem.emit(problem)

    # names, tags, notes

    def write(self, run_dir: Path, written: About) -> None:
        self._do(lambda: about.write(run_dir, written), lambda _about: self.changed.emit())

    def add_tags(self, run_dirs: Sequence[Path], tags: tuple[str, ...]) -> None:
        def work() -> None:
            for run_dir in run_dirs:
                try:
                    found = about.read(run_dir)
                except ProblemError:
                    found = About()
                about.write(run_dir, replace(found, tags=(*found.tags, *tags)))

        self._do(work, lambda _none: self.changed.emit())
        self.acted.emit(f"Tagged {runs_words(len(run_dirs))}: {', '.join(tags)}")

    # deleting

    @property
    def can_undo(self) -> bool:
        return bool(self._deleted) and not self._busy

    def delete(self, run_dirs: Sequence[Path]) -> None:
        """Runs, into the trash. One that waits in the queue leaves it."""

        def work() -> Deleted:
            for run_dir in run_dirs:
                if (run_dir / layout.QUEUED).exists():
                    queue.leave_queue(run_dir)
            return self.trash.delete(run_dirs)

        self._delete(work, lambda done: f"Deleted {runs_words(len(done.moved))}, {words(done.bytes)}")

    def delete_checkpoints(self, run_dirs: Sequence[Path]) -> None:
        """Only what nobody needs any more; the results stay."""
        folders = [run_dir / layout.CHECKPOINTS for run_dir in run_dirs]
        self._delete(
            lambda: self.trash.delete(folders),
            lambda done: f"Deleted the checkpoints of {runs_words(len(done.moved))}, {words(done.bytes)}",
        )

    def _delete(self, work: Callable[[], Deleted], say: Callable[[Deleted], str]) -> None:
        if self._busy:
            return
        self._busy = True

        def done(found: Deleted) -> None:
            self._busy = False
            for problem in found.refused:
                self.problem.emit(problem)
            if found.moved:
                told = say(found)
                self._deleted.append((found, told))
                self.deleted.emit(told)
            self.changed.emit()

        self._do(work, done)

    def undo(self) -> None:
        """Take the latest deletion back."""
        if not self.can_undo:
            return
        self._busy = True
        deleted, told = self._deleted.pop()

        def done(back: Deleted) -> None:
            self._busy = False
            for problem in back.refused:
                self.problem.emit(problem)
            if left := tuple(one for one in deleted.moved if one not in back.moved):
                self._deleted.insert(0, (Deleted(left, deleted.bytes), told))  # once its place is free, it can be had
            if back.moved:
                self.acted.emit(f"Taken back: {told[:1].lower()}{told[1:]}")
            self.restored.emit([one.was.name for one in back.moved])
            self.changed.emit()

        self._do(lambda: self.trash.undo(deleted), done)

    @property
    def last_deleted(self) -> str:
        """What the next undo takes back, in words; empty for nothing."""
        return self._deleted[-1][1] if self._deleted else ""

    # queue

    def reorder(self, run_dir: Path, place: int) -> None:
        self._do(lambda: queue.reorder(run_dir, place), lambda _none: self.changed.emit())

    def take_out(self, run_dir: Path) -> None:
        self._do(lambda: queue.leave_queue(run_dir), lambda _none: self.changed.emit())

    def hold(self, run_dir: Path, held: bool) -> None:
        def work() -> None:
            queue.hold(run_dir, held)
            if not held:
                keeper.ensure()

        self._do(work, lambda _none: self.changed.emit())

    # beginning and end

    def begin(self) -> None:
        """What windows that were ended left in the trash a day ago goes; a queue that nobody keeps is kept again, as
        after the computer was started anew."""
        background.run(sweep, lambda _none: None)
        background.run(keeper.ensure, lambda _started: None, self._tell)

    def leave(self) -> None:
        """The window closes: what was deleted is gone. Not on a thread, which would be ended with the program."""
        self._left = True
        self.trash.empty()
