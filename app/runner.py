"""Runs as the window sees them: starts workers, sends them wishes, reads their journals, finds those of earlier windows.

Everything is read from the run's folder, off the GUI thread; this object holds no pipe and no child. A run that this
window started and one it found are the same case. A run is running only while its lock is held.
"""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app import background
from app.pages.run.state import RunRecord
from planner import plan_file
from planner.estimate import Estimate
from planner.problem import Problem, ProblemError
from planner.run import inbox, journal, layout, lock
from planner.run.build import run_spec
from planner.run.events import Event
from planner.run.folders import new_run_dir
from planner.run.home import runs_dir
from planner.run.lock import State
from planner.run.spec import RunSpec
from planner.run.start import missing_train_extra, start

LOOK_EVERY_MS = 200
FED_AT_ONCE = 400  # events folded in one turn of the event loop: a few milliseconds
QUIET_LOOK_EVERY_MS = 2000  # at a run that is over: another window or the command line may resume it


@dataclass(frozen=True)
class Look:
    """What one look at a run's folder gave."""

    reading: journal.Reading
    state: State
    died: Problem | None
    spec: RunSpec | None


def make_run(estimate: Estimate) -> Path:
    """Write the spec of a new run of this plan and start its worker. Raises ProblemError; takes some tenths of a second."""
    if missing := missing_train_extra():
        raise ProblemError(missing)
    run_spec(estimate.plan, estimate, Path())  # what cannot be run leaves no folder behind
    folder = new_run_dir(estimate.plan.model.name.rsplit("/", 1)[-1])
    plan_file.save_spec(run_spec(estimate.plan, estimate, folder), folder / layout.SPEC)
    start(folder)
    return folder


def latest_run() -> Path | None:
    """The run to show when the window opens: the newest that is still going, else the newest."""
    try:
        folders = sorted((p for p in runs_dir().iterdir() if (p / layout.SPEC).is_file()), reverse=True)
    except OSError:
        return None
    return next((p for p in folders[:50] if lock.is_held(p)), folders[0] if folders else None)


def look(run_dir: Path, offset: int, spec: RunSpec | None, before: tuple[State, Problem | None]) -> Look:
    """Read what is new. The lock is asked first: a worker may write its last word in between."""
    running = lock.is_held(run_dir)
    reading = journal.read(run_dir, offset, over=not running)
    if running:
        state, died = State.RUNNING, None
    elif reading.events or before[0] in (State.RUNNING, State.NEVER_STARTED):
        state = lock.state(run_dir)
        died = lock.died(run_dir) if state is State.LOST else None
    else:  # over before, and nothing new since: no need to read it all again
        state, died = before
    problems = reading.problems
    if spec is None:
        try:
            spec = plan_file.load_spec(run_dir / layout.SPEC)
        except ProblemError as error:
            problems = (*problems, error.problem)
    return Look(journal.Reading(reading.events, problems, reading.offset), state, died, spec)


class Runner(QObject):
    """The one run that the window shows. `changed` carries its `RunRecord` whenever something new is known."""

    changed = Signal(object)
    attached = Signal(object)
    started = Signal()
    ended_badly = Signal(object)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run_dir: Path | None = None
        self.record = RunRecord()
        self.starting = False
        self._offset = 0
        self._looking = False
        self._unfed: deque[Event] = deque()
        self._tell_end = False
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._feeding = QTimer(self, interval=0)
        self._feeding.timeout.connect(self._feed_some)

    @property
    def running(self) -> bool:
        return self.record.live

    def start(self, estimate: Estimate) -> None:
        """Start a run of this plan; `attached` follows, or `problem`."""
        if self.starting:
            return
        if self.running:
            self.problem.emit(
                Problem(
                    "run.one_at_a_time",
                    "A run is going on, and two would share this computer's memory.",
                    "Stop it or wait for its end, then press Start again.",
                )
            )
            return
        self.starting = True
        background.run(lambda: make_run(estimate), self._started, self._not_started)

    def resume(self) -> None:
        """Start a worker again on the run shown; it goes on from its last checkpoint."""
        run_dir = self.run_dir
        if run_dir is None or self.starting:
            return
        self.starting = True
        background.run(lambda: start(run_dir), lambda _pid: self._resumed(), self._not_started)

    def _started(self, run_dir: Path) -> None:
        self.starting = False
        self.attach(run_dir)
        self.started.emit()

    def _resumed(self) -> None:
        self.starting = False
        record = self.record
        record.died, record.failed, record.state, record.phase = None, None, State.RUNNING, "start"
        self.changed.emit(record)
        self._timer.setInterval(LOOK_EVERY_MS)
        self.started.emit()
        self.look()

    def _not_started(self, problem: Problem) -> None:
        self.starting = False
        self.problem.emit(problem)
        self.changed.emit(self.record)

    def attach(self, run_dir: Path) -> None:
        """Show this run from its first event on."""
        self.run_dir, self.record, self._offset = run_dir, RunRecord(), 0
        self._looking = False
        self._unfed.clear()
        self.attached.emit(run_dir)
        self._timer.start(LOOK_EVERY_MS)
        self.look()

    def attach_latest(self) -> None:
        """Find the run an earlier window left, off the GUI thread."""
        background.run(latest_run, lambda found: self.attach(found) if found and not self.run_dir else None)

    def send(self, verb: str, say: str = "") -> None:
        """Drop a wish into the run's inbox."""
        run_dir = self.run_dir
        if run_dir is None:
            return

        def refused(_problem: Problem) -> None:
            fact = f"The wish could not be put into {str(run_dir / layout.INBOX)!r}."
            self.problem.emit(Problem("run.inbox_closed", fact, "Check the folder's permissions and the disk."))

        background.run(lambda: inbox.send(run_dir, verb, say), lambda _done: None, refused)

    def send_now(self, verb: str) -> None:
        """The same at once, for a window that is about to close."""
        if self.run_dir is not None:
            with contextlib.suppress(OSError):
                inbox.send(self.run_dir, verb)

    def detach(self) -> None:
        """Look no more; the run does not notice."""
        self._timer.stop()
        self._feeding.stop()
        self.run_dir = None

    def look(self) -> None:
        """Read what is new, off the GUI thread; one look at a time."""
        run_dir, offset, spec = self.run_dir, self._offset, self.record.spec
        if run_dir is None or self._looking:
            return
        self._looking = True
        before = (self.record.state, self.record.died)
        background.run(
            lambda: look(run_dir, offset, spec, before),
            lambda found: self._saw(run_dir, found),
            lambda p: self._blind(run_dir, p),
        )

    def _blind(self, run_dir: Path, problem: Problem) -> None:
        if run_dir == self.run_dir:
            self._looking = False
            self.problem.emit(problem)

    def _saw(self, run_dir: Path, found: Look) -> None:
        if run_dir != self.run_dir:
            return
        self._looking = False
        record = self.record
        was_live = record.live
        news = (record.state, record.died, record.spec) != (found.state, found.died, found.spec)
        record.spec, record.state, record.died = found.spec, found.state, found.died
        self._unfed.extend(found.reading.events)
        for problem in found.reading.problems:
            self.problem.emit(problem)
        self._offset = found.reading.offset
        self._timer.setInterval(LOOK_EVERY_MS if record.live or self.starting else QUIET_LOOK_EVERY_MS)
        # an end that was watched is news, and so is a worker that died while no window was open
        self._tell_end = self._tell_end or (was_live and not record.live) or (news and record.state is State.LOST)
        if self._unfed:
            self._feed_some()
        elif news:
            self.changed.emit(record)
            self._tell()

    def _tell(self) -> None:
        """Say once what ended the run, when all of its journal is known."""
        if self._tell_end and not self._unfed:
            self._tell_end = False
            if self.record.problem is not None:
                self.ended_badly.emit(self.record.problem)

    def _feed_some(self) -> None:
        """A part of what was read, so that a long journal does not hold up the window; the rest at the next turn."""
        for _n in range(min(FED_AT_ONCE, len(self._unfed))):
            self.record.feed(self._unfed.popleft())
        self.changed.emit(self.record)
        self._tell()
        if not self._unfed:
            self._feeding.stop()
        elif not self._feeding.isActive():
            self._feeding.start()
