"""Runs as the window sees them: starts workers, sends them wishes, reads their journals, finds those of earlier windows.

Everything is read from the run's folder, off the GUI thread; this object holds no pipe and no child. A run that this
window started and one it found are the same case. A run is running only while its lock is held.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app import background
from app.journal_reader import Known, Look, look
from app.pages.run.state import RunRecord
from planner import plan_file
from planner.estimate import Estimate
from planner.problem import Problem, ProblemError
from planner.run import alone, inbox, layout, lock
from planner.run.build import run_spec
from planner.run.events import Event, Memory
from planner.run.folders import new_run_dir
from planner.run.home import runs_dir
from planner.run.journal_index import JournalIndex
from planner.run.lock import State
from planner.run.start import missing_train_extra

LOOK_EVERY_MS = 200
FED_AT_ONCE = 400  # events folded in one turn of the event loop: a few milliseconds
QUIET_LOOK_EVERY_MS = 2000  # at a run that is over: another window or the command line may resume it


def make_run(estimate: Estimate) -> Path:
    """Write the spec of a new run of this plan and start its worker. Raises ProblemError; takes some tenths of a second."""
    if missing := missing_train_extra():
        raise ProblemError(missing)
    run_spec(estimate.plan, estimate, Path())  # what cannot be run leaves no folder behind
    if (busy := alone.going_on()) is not None:
        raise ProblemError(alone.refusal(busy))
    folder = new_run_dir(estimate.plan.model.name.rsplit("/", 1)[-1])
    plan_file.save_spec(run_spec(estimate.plan, estimate, folder), folder / layout.SPEC)
    alone.start_alone(folder)
    return folder


def latest_run() -> Path | None:
    """The run to show when the window opens: the newest that is still going, else the newest."""
    try:
        folders = sorted((p for p in runs_dir().iterdir() if (p / layout.SPEC).is_file()), reverse=True)
    except OSError:
        return None
    return next((p for p in folders[:50] if lock.is_held(p)), folders[0] if folders else None)


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
        self.index: JournalIndex | None = None  # of the journal shown, for whoever reads its lines
        self._looking = False
        self._went_on_at = 0.0  # when a step was last seen to be made, by this process's own clock
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
        background.run(lambda: alone.start_alone(run_dir), lambda _pid: self._resumed(), self._not_started)

    def _started(self, run_dir: Path) -> None:
        self.starting = False
        self.attach(run_dir)
        self.started.emit()

    def _resumed(self) -> None:
        self.starting = False
        record = self.record
        record.died, record.failed, record.state, record.phase = None, None, State.RUNNING, "start"
        record.spec = None  # a change may have been made to it
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
        self.run_dir, self.record, self.index = run_dir, RunRecord(), None
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
        """Read what is new, off the GUI thread; one look at a time, and none before the last one's news are told."""
        run_dir, record = self.run_dir, self.record
        if run_dir is None or self._looking or self._unfed:
            return
        self._looking = True
        known = Known(self.index, record.spec, record.state, record.died, record.gone)
        background.run(
            lambda: look(run_dir, known),
            lambda found: self._saw(record, found),
            lambda p: self._blind(record, p),
        )

    def _blind(self, record: RunRecord, problem: Problem) -> None:
        if record is self.record:
            self._looking = False
            self.index = None  # what was read and not told is read again
            self.problem.emit(problem)

    def _saw(self, asked: RunRecord, found: Look) -> None:
        if asked is not self.record:  # another run is shown since
            return
        self._looking = False
        before, was_live = self.record, self.record.live
        record = self.record = found.record or before
        news = (before.state, before.died, before.spec, before.told) != (
            found.state,
            found.died,
            found.spec,
            found.told,
        )
        record.spec, record.state, record.died = found.spec, found.state, found.died
        record.told, record.gone = found.told, found.gone
        self.index = found.index or self.index
        self._unfed.extend(found.events)
        for problem in found.problems:
            self.problem.emit(problem)
        self._timer.setInterval(LOOK_EVERY_MS if record.live or self.starting else QUIET_LOOK_EVERY_MS)
        # an end that was watched is news, and so is a worker that died while no window was open
        self._tell_end = self._tell_end or (was_live and not record.live) or (news and record.state is State.LOST)
        stalled = self._see_whether_stalled(record, before is not record)
        if self._unfed:
            self._feed_some()
        elif news or stalled or record is not before:
            self.changed.emit(record)
            self._tell()

    def _see_whether_stalled(self, record: RunRecord, anew: bool) -> bool:
        """Whether there is news of it. By this process's clock: the computer's own may have been set meanwhile."""
        was, now = record.stalled, time.monotonic()
        idle = record.live and record.phase == "train" and all(isinstance(e, Memory) for e in self._unfed)
        if anew or not idle:
            self._went_on_at = now
        after = record.pace.stalled_after_s()
        record.stalled = idle and after is not None and now - self._went_on_at > after
        return record.stalled != was

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
