"""Queueing from the window: the plan that is shown waits its turn, or is left to itself overnight. It keeps no list.

The queue and its keeper are on the disk (`planner.run.queue`, `keeper`); the Runs page shows them. Start, where a run is
going on already, offers the queue instead of refusing.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

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
        starter.begin = self._begin
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
        self.acted.emit("Starting the worker …")
        self._runner.start(estimate)

    def _enqueue(self, estimate: Estimate, *, overnight: bool) -> None:
        def put() -> Path:
            run_dir = queue.enqueue(estimate, overnight=overnight)
            keeper.ensure()
            return run_dir

        def done(run_dir: Path) -> None:
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

        background.run(put, done, self.problem.emit)
