"""From Start to a run: what may stand between, each with a button that removes it. The person is never sent away.

No training libraries: the command that installs them. Embedded model not here yet: its size, then the download with
progress. Plan for another machine: the same plan for this one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app import background, example
from app.document import Document
from app.pages.plan.picks import Pick, plan_with_machine, plan_with_model
from app.runner import Runner
from app.widgets.activity_bar import ActivityBar
from app.widgets.problem_bar import ProblemBar
from planner.facts.machine import MachineFacts
from planner.problem import Problem
from planner.run.start import missing_train_extra

INSTALL = f'"{sys.executable}" -m pip install "plimsoll-planner[train]"'


class Starter(QObject):
    """`start` does what is possible and asks for what is missing."""

    acted = Signal(str)

    def __init__(
        self, document: Document, runner: Runner, problems: ProblemBar, activity: ActivityBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document, self._runner, self._problems, self._activity = document, runner, problems, activity
        self.here: MachineFacts | None = None
        self.fetching = False

    def start(self) -> None:
        """Start the plan that is shown."""
        estimate = self._document.estimate
        if estimate is None or self._runner.starting or self.fetching:
            return
        plan = estimate.plan
        if self.here is not None and plan.machine.name != self.here.name:
            self._problems.show_problem(
                Problem(
                    "run.other_machine",
                    f"This plan is for {plan.machine.name}, and a run computes on this computer.",
                    "Plan it for this computer, or export it and run the script there.",
                ),
                "Plan for this computer",
                self._plan_for_here,
            )
            return
        background.run(missing_train_extra, lambda missing: self._go_on(missing), self._problems.show_problem)

    def _go_on(self, missing: Problem | None) -> None:
        estimate = self._document.estimate
        assert estimate is not None
        if missing is not None:
            self._problems.show_problem(missing, "Copy the command", self._copy_command)
        elif estimate.plan.model.source == "embedded" and not estimate.plan.model.path:
            self._activity.ask(example.sizes(), "Fetch and start", self._fetch)
        else:
            self.acted.emit("Starting the worker …")
            self._runner.start(estimate)

    def _copy_command(self) -> None:
        QGuiApplication.clipboard().setText(INSTALL)
        self.acted.emit("The command is in the clipboard")

    def _plan_for_here(self) -> None:
        here = self.here
        assert here is not None
        self._document.edit(lambda plan: plan_with_machine(plan, here, Pick("here", here.devices[0].id)))

    def _fetch(self) -> None:
        self.fetching = True
        self._activity.show_progress(example.sizes(), 0, 0)

        def work(tell: Callable[[Any], None]) -> Any:
            return example.get_example(lambda what, done, of: tell((what, done, of)))

        background.run_with_progress(
            work, lambda told: self._activity.show_progress(*told), lambda _folder: self._fetched(), self._not_fetched
        )

    def _not_fetched(self, problem: Problem) -> None:
        self.fetching = False
        self._activity.done()
        self._problems.show_problem(problem, "Try again", self._fetch)

    def _fetched(self) -> None:
        """The model is here: the plan takes its folder, and the run begins."""
        self.fetching = False
        self._activity.done()
        plan = self._document.plan
        if plan is None:
            return

        def put(found: Any) -> None:
            now = self._document.plan
            assert now is not None
            if now.model.source == "embedded":
                self._document.refresh(replace(now, model=found.model, data=found.data))
                self.start()

        background.run(lambda: plan_with_model(plan, Pick("embedded")), put, self._problems.show_problem)
