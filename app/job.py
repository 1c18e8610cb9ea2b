"""One job of a worker that is no run: written, started, followed off the GUI thread, cancelled, read, and its folder removed.

Counting, dry runs and proofs are all done here; training has its own room (`app.runner`), because a run outlives the
window and this does not. It knows nothing of what a job is for: an `Order` says what to write and how to read it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app import background
from planner.problem import Problem, ProblemError, fail
from planner.run import inbox, journal, lock
from planner.run.events import Failed, Finished, Phase
from planner.run.folders import new_work_dir
from planner.run.start import start

LOOK_EVERY_S = 0.1
OBEYS_WITHIN_S = 2.0  # a worker that still loads its libraries cannot hear a wish; these jobs hold nothing worth saving
GONE_WITHIN_S = 5.0


@dataclass(frozen=True)
class Order:
    """job: names the folder. write: puts spec.json into it. read: what came of it, while the folder is still there.

    Both run off the GUI thread and may raise ProblemError.
    """

    job: str
    write: Callable[[Path], None]
    read: Callable[[Path], Any]


@dataclass(frozen=True)
class Told:
    """Where a job stands: the worker's own phase with its detail, and seconds since it was asked for."""

    phase: str
    detail: str
    elapsed_s: float


class Wish:
    """What its owner wants of a job: that it go on, or that it end, by itself within some seconds or else by its pid."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self.patience_s = OBEYS_WITHIN_S

    @property
    def cancelled(self) -> bool:
        return self._end.is_set()

    def cancel(self, patience_s: float) -> None:
        self.patience_s = min(self.patience_s, patience_s)
        self._end.set()

    def wait(self, seconds: float) -> None:
        self._end.wait(seconds)


def carried_out(order: Order, tell: Callable[[Told], None], wish: Wish) -> Any:
    """What came of a job; None when it was cancelled. Returns when no worker is left. Raises ProblemError."""
    folder = new_work_dir(order.job)
    keep = False
    try:
        order.write(folder)
        start(folder)
        _follow(folder, tell, wish)
        if wish.cancelled:
            return None
        word = journal.last_word(journal.read_all(folder, over=True).events)
        if isinstance(word, Failed):
            raise ProblemError(word.problem)
        if word is None:
            keep = True  # its log is all that is known
            problem = lock.died(folder)
            raise ProblemError(replace(problem, advice=f"{problem.advice} The folder: {str(folder)!r}."))
        _check(word, order)
        return order.read(folder)
    finally:
        if not keep:
            _remove(folder)


def _check(word: Finished, order: Order) -> None:
    if word.outcome != "done":
        raise fail("job.ended_early", f"The job {order.job!r} was {word.outcome} from outside.", "Ask for it again.")


def _follow(folder: Path, tell: Callable[[Told], None], wish: Wish) -> None:
    """Tell each phase, and the time every second, until the worker has let go of its folder."""
    began, offset = time.monotonic(), 0
    phase, detail, told_s = "start", "", -1
    while lock.is_held(folder):
        if wish.cancelled:
            _end(folder, wish)
            return
        reading = journal.read(folder, offset)
        offset = reading.offset
        for event in reading.events:
            if isinstance(event, Phase):
                phase, detail, told_s = event.phase, event.detail, -1
        elapsed_s = time.monotonic() - began
        if int(elapsed_s) != told_s:
            told_s = int(elapsed_s)
            tell(Told(phase, detail, elapsed_s))
        wish.wait(LOOK_EVERY_S)


def _end(folder: Path, wish: Wish) -> None:
    """Ask the worker to stop; then end it by its own pid. Returns when the lock is free."""
    with contextlib.suppress(OSError):
        inbox.send(folder, "stop")
    began, ends = time.monotonic(), [signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)]
    while lock.is_held(folder):
        past_s = time.monotonic() - began
        if ends and past_s > wish.patience_s * (3 - len(ends)):
            pid = lock.holder_pid(folder)
            if pid > 1 and lock.is_held(folder):
                with contextlib.suppress(OSError):
                    os.kill(pid, ends.pop(0))
        time.sleep(LOOK_EVERY_S / 5)


def _remove(folder: Path) -> None:
    """Whoever saw the worker end may be writing that down at this moment: then once more."""
    deadline = time.monotonic() + GONE_WITHIN_S
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S / 5)
        shutil.rmtree(folder, ignore_errors=True)


class Job(QObject):
    """One order at a time. `told` carries a `Told`, `done` what `read` returned, `problem` why there is nothing.

    `ended` comes last in every case, also after a cancel, when the worker is gone and its folder is too.
    """

    told = Signal(object)
    done = Signal(object)
    problem = Signal(object)
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wish: Wish | None = None
        self._over = threading.Event()
        self._left = False  # nobody is there any more to be told

    @property
    def going_on(self) -> bool:
        return self._wish is not None

    @property
    def cancelled(self) -> bool:
        return self._wish is not None and self._wish.cancelled

    def start(self, order: Order) -> None:
        """Carry out `order`; ignored while another goes on, and where nobody is there any more."""
        if self.going_on or self._left:
            return
        wish = self._wish = Wish()
        over = self._over = threading.Event()

        def work(tell: Callable[[Any], None]) -> Any:
            try:
                return carried_out(order, tell, wish)
            finally:
                over.set()

        background.run_with_progress(work, self._tell, self._came, self._failed)

    def cancel(self) -> None:
        """End it; `ended` says when that is so. The result is not told any more."""
        if self._wish is not None:
            self._wish.cancel(OBEYS_WITHIN_S)

    def leave(self) -> None:
        """The window closes: end it now, and begin none. The program stays until the worker and the folder are gone, the
        window need not."""
        self._left = True
        if self._wish is not None:
            self._wish.cancel(0.0)
            over = self._over
            threading.Thread(target=lambda: over.wait(2 * GONE_WITHIN_S), name="job-end", daemon=False).start()

    def _tell(self, told: Told) -> None:
        if not (self._left or self.cancelled):
            self.told.emit(told)

    def _came(self, result: Any) -> None:
        self._over_with(lambda: self.done.emit(result))

    def _failed(self, problem: Problem) -> None:
        self._over_with(lambda: self.problem.emit(problem))

    def _over_with(self, emit: Callable[[], None]) -> None:
        if self._left:
            return
        cancelled, self._wish = self.cancelled, None
        if not cancelled:
            emit()
        self.ended.emit()
