"""Queueing from the window: the plan that is shown waits its turn, or is left to itself overnight. It keeps no list.

The queue and its keeper are on the disk (`planner.run.queue`, `keeper`); the Runs page shows them. Start, where a run is
going on already, offers the queue instead of refusing.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from app import background
from app.runner import Runner
from app.shell.starting import Starter
from app.widgets.problem_bar import ProblemBar
from planner.estimate import Estimate
from planner.problem import Problem
from planner.run import keeper, queue
from planner.units import words

ONE_AT_A_TIME = Problem(
    "run.one_at_a_time",
    "A run is going on, and two would share this computer's memory.",
    "Queue it: it starts when that one is over and its memory is free, also with this window closed.",
)


class Queueing(QObject):
    """`queued` carries the folder of a run that waits from now on."""

    queued = Signal(object)
    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, runner: Runner, starter: Starter, problems: ProblemBar, parent: QObject) -> None:
        super().__init__(parent)
        self._runner, self._starter, self._problems = runner, starter, problems
        self._putting = self._begun = False
        starter.begin = self._begin
        runner.started.connect(self._started)
        runner.problem.connect(self._not_started, Qt.ConnectionType.QueuedConnection)  # after it was shown as any other
        background.run(keeper.ensure, lambda _started: None, self.problem.emit)  # the computer may have been restarted

    def add(self) -> None:
        """The plan that is shown to the queue's end."""
        self._starter.start(lambda estimate: self._enqueue(estimate, overnight=False))

    def overnight(self) -> None:
        """The same, and it looks after itself."""
        self._starter.start(lambda estimate: self._enqueue(estimate, overnight=True))

    def _begin(self, estimate: Estimate) -> None:
        """Start, where nothing is missing."""
        if self._runner.running:
            self._problems.show_problem(ONE_AT_A_TIME, "Queue it", self.add)
            return
        self._begun = True
        self.acted.emit("Starting the worker …")
        self._runner.start(estimate)

    def _started(self) -> None:
        self._begun = False

    def _not_started(self, problem: Problem) -> None:
        """A run of another window or of the command line goes on: what the window did not see until it tried."""
        begun, self._begun = self._begun, False
        if begun and problem.code == ONE_AT_A_TIME.code:
            self._problems.show_problem(problem, "Queue it", self.add)

    def _enqueue(self, estimate: Estimate, *, overnight: bool) -> None:
        if self._putting:  # pressed twice
            return
        self._putting = True

        def put() -> Path:
            run_dir = queue.enqueue(estimate, overnight=overnight)
            keeper.ensure()
            return run_dir

        def refused(problem: Problem) -> None:
            self._putting = False
            self.problem.emit(problem)

        def done(run_dir: Path) -> None:
            self._putting = False
            self._problems.drop(ONE_AT_A_TIME.code)
            need = queue.need_of(estimate)
            when = f"when {words(need)} are free" if need else "when no other run goes on"
            then = (
                "It is proved first, goes on with less when memory runs out, and says what happened."
                if overnight
                else "This window may be closed."
            )
            self.acted.emit(f"Queued: it starts {when}. {then}")
            self.queued.emit(run_dir)

        background.run(put, done, refused)
