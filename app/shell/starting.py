"""From Start to a run: what may stand between, each with a button that removes it. The person is never sent away.

No training libraries: the command that installs them. Embedded model not here yet: its size, then the download with
progress. A GGUF file: what converting it takes, then that. Model known by its shape only: a folder with its weights. Plan for another machine: the same plan for this
one. What was asked for is taken back as soon as the plan has it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app import background, converting, example
from app.document import Document
from app.pages.plan.picks import Pick, plan_with_machine, plan_with_model
from app.runner import Runner
from app.widgets.activity_bar import ActivityBar
from app.widgets.problem_bar import ProblemBar
from planner.estimate import Estimate
from planner.facts.machine import MachineFacts
from planner.models_here import read_model
from planner.plan import Plan
from planner.plan_set import with_model
from planner.problem import Problem
from planner.run.start import missing_train_extra

INSTALL = f'"{sys.executable}" -m pip install "plimsoll-planner[train]"'


class Starter(QObject):
    """`start` does what is possible and asks for what is missing."""

    acted = Signal(str)
    model_folder_wanted = Signal()

    def __init__(
        self, document: Document, runner: Runner, problems: ProblemBar, activity: ActivityBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document, self._runner, self._problems, self._activity = document, runner, problems, activity
        self.here: MachineFacts | None = None
        self.fetching = False
        self._refused: Plan | None = None  # the plan that the problem shown is about
        self.begin: Callable[[Estimate], None] = self._start_now  # what Start means where nothing is missing
        self._then: Callable[[Estimate], None] = self.begin
        document.changed.connect(self._look_again)

    def start(self, then: Callable[[Estimate], None] | None = None) -> None:
        """Start the plan that is shown. then: what else to do with it when nothing is missing any more."""
        estimate = self._document.estimate
        if estimate is None or self._runner.starting or self.fetching:
            return
        self._then = then or self.begin
        plan = estimate.plan
        if self.here is not None and plan.machine.name != self.here.name:
            problem = Problem(
                "run.other_machine",
                f"This plan is for {plan.machine.name}, and a run computes on this computer.",
                "Plan it for this computer, or export it and run the script there.",
            )
            self._refuse(plan, problem, "Plan for this computer", self._plan_for_here)
            return
        if plan.model.gguf and not plan.model.path:
            background.run(missing_train_extra, self._look_at_gguf, self._problems.show_problem)
            return
        if not plan.model.path and plan.model.source != "embedded":
            problem = Problem(
                "run.shape_only",
                f"{plan.model.name} is known by its shape only; its weights are not on this computer, so it can be "
                "planned but not run.",
                "Choose a folder that holds its config.json and .safetensors files.",
            )
            self._refuse(plan, problem, "Choose a folder…", self.model_folder_wanted.emit)
            return
        background.run(missing_train_extra, lambda missing: self._go_on(missing), self._problems.show_problem)

    def _refuse(self, plan: Plan, problem: Problem, action: str, act: Callable[[], None]) -> None:
        self._refused = plan
        self._problems.show_problem(problem, action, act)

    def _look_again(self, now: Estimate) -> None:
        """A problem of the plan that was refused goes when its model or machine is another one."""
        before, plan = self._refused, now.plan
        if before is None:
            return
        if plan.machine.name != before.machine.name:
            self._problems.drop("run.other_machine")
        if (plan.model.name, plan.model.path) != (before.model.name, before.model.path):
            self._problems.drop("run.shape_only")

    def _go_on(self, missing: Problem | None) -> None:
        estimate = self._document.estimate
        assert estimate is not None
        if missing is not None:
            self.ask_for_libraries(missing)
        elif estimate.plan.model.source == "embedded" and not estimate.plan.model.path:
            self._activity.ask(example.sizes(), "Fetch and start", self._fetch)
        else:
            self._then(estimate)

    def _start_now(self, estimate: Estimate) -> None:
        self.acted.emit("Starting the worker …")
        self._runner.start(estimate)

    def ask_for_libraries(self, missing: Problem) -> None:
        """Say what installs what training needs."""
        self._problems.show_problem(missing, "Copy the command", self._copy_command)

    def _copy_command(self) -> None:
        QGuiApplication.clipboard().setText(INSTALL)
        self.acted.emit("The command is in the clipboard")

    def _plan_for_here(self) -> None:
        here = self.here
        assert here is not None
        self._document.edit(lambda plan: plan_with_machine(plan, here, Pick("here", here.devices[0].id)))

    def _look_at_gguf(self, missing: Problem | None) -> None:
        """A GGUF file is converted once; what that takes is said first, unless it was done already."""
        plan = self._document.plan
        if missing is not None:
            self.ask_for_libraries(missing)
        elif plan is not None and not self.fetching:
            self.fetching = True
            gguf = Path(plan.model.gguf)
            self._work(lambda progress: converting.conversion_of(gguf, progress), self._offer_conversion)

    def _offer_conversion(self, asked: converting.Conversion) -> None:
        if asked.done:
            self._use_converted(asked, asked.target)
        else:
            self._activity.ask(asked.sentence, "Convert and start", lambda: self._convert(asked))

    def _convert(self, asked: converting.Conversion) -> None:
        self.fetching = True
        self._work(
            lambda progress: converting.convert(asked, progress), lambda folder: self._use_converted(asked, folder)
        )

    def _use_converted(self, asked: converting.Conversion, folder: Path) -> None:
        """The plan takes the folder in the file's place, and the run begins; another plan meanwhile stays as it is."""
        plan = self._document.plan
        if plan is None or plan.model.gguf != str(asked.gguf.resolve()):
            return

        def put(found: Plan) -> None:
            now = self._document.plan
            if now is not None and now.model == plan.model:
                self._document.refresh(replace(now, model=found.model, data=found.data))
                self.start(self._then)

        name = plan.model.name
        background.run(lambda: with_model(plan, read_model(folder, name=name)), put, self._problems.show_problem)

    def _work(self, work: Callable[[converting.Progress], Any], done: Callable[[Any], None]) -> None:
        """Something with a bar; when it is over the bar goes and `fetching` is False, whatever came of it."""

        def over(then: Callable[[Any], None], found: Any) -> None:
            self.fetching = False
            self._activity.done()
            then(found)

        background.run_with_progress(
            lambda tell: work(lambda what, done, of: tell((what, done, of))),
            lambda told: self._activity.show_progress(*told),
            lambda found: over(done, found),
            lambda problem: over(self._problems.show_problem, problem),
        )

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
                self.start(self._then)

        background.run(lambda: plan_with_model(plan, Pick("embedded")), put, self._problems.show_problem)
