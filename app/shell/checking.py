"""Dry run and proof of the open plan: when each can be asked for, what goes on meanwhile, and what came of it.

It computes nothing itself and changes no plan: a worker does the one, this computer's corrections the other. One check
at a time; the plan can be edited while it runs, and its result then says that it is of an earlier plan.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app import background
from app.calibrating import learn_from
from app.document import Document
from app.job import Job, Order, Told
from app.pages.plan.checks import dry_run_refused, proof_refused, proved_words, what_is_checked
from app.pages.plan.dry_run import STALE, DryRunView, dry_run_view
from app.pages.plan.page import PlanPage
from app.shell.learning import Learning
from app.widgets.activity_bar import ActivityBar
from planner.estimate import Estimate
from planner.facts.machine import MachineFacts
from planner.plan_file import save_spec
from planner.problem import Problem, ProblemError
from planner.run import layout
from planner.run.build import run_spec
from planner.run.results import DRY_RUN, PROOF, DryRun, Proof, load
from planner.run.start import missing_train_extra
from planner.units import words

DRY, PROVE = "dry_run", "prove"
NAMES = {DRY: "Dry run", PROVE: "Proof"}
PHASES = {
    "start": "starting",
    "check": "looking at model and data",
    "load": "loading",
    "trace": "following the steps",
    "replay": "replaying what the allocator does",
    "data": "preparing the rows",
    "train": "two real steps",
    "evaluate": "an evaluation batch",
    "free": "giving everything back",
}
AGE_EVERY_MS = 20_000
UNDER_WAY = "A dry run or a proof is going on."


@dataclass(frozen=True)
class Traced:
    """A dry run with what its card shows of it: while the plan is the one that was asked for, and after it is not."""

    result: DryRun
    asked: Estimate
    current: DryRunView
    stale: DryRunView


def traced(result: DryRun, asked: Estimate) -> Traced:
    """Words and rows of hundreds of tensors take their time, so they are made off the GUI thread and once."""
    views = (dry_run_view(result, asked, stale=stale) for stale in (False, True))
    return Traced(result, asked, *views)


@dataclass(frozen=True)
class Proven:
    """A proof, and why it taught nothing about this computer where it did not."""

    proof: Proof
    taught_nothing: Problem | None = None


def order(kind: str, asked: Estimate) -> Order:
    """The job on a plan. A proof is learned from while its folder is still there."""

    def write(folder: Path) -> None:
        spec = run_spec(asked.plan, asked, folder, elsewhere=kind == DRY, job=kind)
        save_spec(spec, folder / layout.SPEC)

    def read(folder: Path) -> Traced | Proven:
        if kind == DRY:
            return traced(load(DryRun, folder / DRY_RUN), asked)
        proof = load(Proof, folder / PROOF)
        try:
            learn_from(folder)
        except ProblemError as error:
            return Proven(proof, error.problem)
        return Proven(proof)

    return Order(kind.replace("_", "-"), write, read)


class Checking(QObject):
    """`acted` tells the status bar; `may_changed` that other things can be asked for now."""

    acted = Signal(str)
    problem = Signal(object)
    libraries_missing = Signal(object)
    may_changed = Signal()

    def __init__(
        self, document: Document, page: PlanPage, activity: ActivityBar, learning: Learning, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document, self._page, self._activity, self._learning = document, page, activity, learning
        self.here: MachineFacts | None = None
        self.run_live = False
        self._kind = ""  # of what goes on; empty while nothing does
        self._asked: Estimate | None = None
        self._told = Told("start", "", 0.0)
        self._dry: Traced | None = None
        self.job = Job(self)
        self.job.told.connect(self._tell)
        self.job.done.connect(self._came)
        self.job.problem.connect(self.problem)
        self.job.ended.connect(self._ended)
        self._age = QTimer(self, interval=AGE_EVERY_MS)
        self._age.timeout.connect(self._show_proved)
        self._age.start()
        learning.learned.connect(lambda _corrections: self._show_proved())
        document.changed.connect(self._plan_changed)
        page.budget.dry_run.closed.connect(self.forget)

    @property
    def proving(self) -> bool:
        return self._kind == PROVE

    # asking

    def dry_run(self) -> None:
        self._ask(DRY)

    def prove(self) -> None:
        self._ask(PROVE)

    def refused(self, kind: str) -> str:
        """Why this cannot be asked for now; empty when it can."""
        now = self._document.estimate
        if now is None:
            return "There is no plan yet."
        if self._kind:
            return UNDER_WAY
        return dry_run_refused(now) if kind == DRY else proof_refused(now, self.here, run_live=self.run_live)

    def _ask(self, kind: str) -> None:
        if self.refused(kind):
            return
        self._kind, self._asked = kind, self._document.estimate
        self._tell(Told("start", "", 0.0))
        self._show_may()
        background.run(missing_train_extra, self._go_on, self._not_begun)

    def _go_on(self, missing: Problem | None) -> None:
        if missing is not None:
            self._ended()
            self.libraries_missing.emit(missing)
        elif self._kind:  # not cancelled meanwhile
            assert self._asked is not None
            self.job.start(order(self._kind, self._asked))

    def _not_begun(self, problem: Problem) -> None:
        self._ended()
        self.problem.emit(problem)

    def cancel(self) -> None:
        """End what goes on; the worker is gone when the activity bar is."""
        if not self._kind:
            return
        self._activity.show_progress(f"{NAMES[self._kind]}: ending …", 0, 0)
        if self.job.going_on:
            self.job.cancel()
        else:
            self._ended()

    # telling

    def _tell(self, told: Told) -> None:
        assert self._asked is not None
        self._told = told
        doing = PHASES.get(told.phase, told.phase)
        detail = f" ({told.detail})" if told.detail else ""
        name = self._asked.plan.model.name.rsplit("/", 1)[-1]
        old = f" {STALE}" if self._stale(self._asked) else ""
        text = f"{NAMES[self._kind]} of {name}{old}: {doing}{detail} · {told.elapsed_s:.0f} s"
        self._activity.show_progress(text, 0, 0, self.cancel)

    def _stale(self, asked: Estimate) -> bool:
        now = self._document.plan
        return now is not None and what_is_checked(now) != what_is_checked(asked.plan)

    def _came(self, result: Traced | Proven) -> None:
        asked = self._asked
        assert asked is not None
        if isinstance(result, Traced):
            self.show_dry_run(result)
            self.acted.emit("The dry run is done")
            return
        old = f" {STALE}" if self._stale(asked) else ""
        self.acted.emit(f"The proof{old} is done: it took {words(result.proof.peak_bytes)}")
        if result.taught_nothing is not None:
            self.problem.emit(result.taught_nothing)
        self._learning.refresh()

    def show_dry_run(self, found: Traced) -> None:
        """Show what a dry run of a plan found, and bring it into sight."""
        self._dry = found
        self._show_dry()
        self._page.budget.see_dry_run()

    def _ended(self) -> None:
        self._kind, self._asked = "", None
        self._activity.done()
        self._show_may()

    # showing

    def _plan_changed(self, _now: Estimate) -> None:
        self._show_may()
        self._show_dry()
        self._show_proved()
        if self._kind and not self.job.cancelled:
            self._tell(self._told)

    def show_run_live(self, live: bool) -> None:
        self.run_live = live
        self._show_may()

    def _show_may(self) -> None:
        self._page.show_may(self.refused(DRY), self.refused(PROVE))
        self.may_changed.emit()

    def _show_dry(self) -> None:
        self._page.budget.dry_run.show_view(self.dry_view())

    def dry_view(self) -> DryRunView | None:
        """What the dry run's card shows; nothing before one was made."""
        if self._dry is None:
            return None
        return self._dry.stale if self._stale(self._dry.asked) else self._dry.current

    def forget(self) -> None:
        """Close the card of the dry run."""
        self._dry = None
        self._show_dry()

    def _show_proved(self) -> None:
        """The proof's line, while the figures of the open plan rest on one."""
        now = self._document.estimate
        self._page.budget.show_proved(proved_words(now, self._learning.times, time.time()) if now else "")
