"""Counts tokens in the background where a plan has only estimated lengths, so that the longest batch becomes certain.

A worker does it, with the model's own tokenizer; it keeps the count for later plans. Each data set is tried once per
tokenizer and window. Planning never waits for it.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app import background
from app.document import Document
from app.job import Job, Order
from planner.estimate import Estimate
from planner.facts.data import DataFacts
from planner.facts.read_data import read_data
from planner.plan import Plan
from planner.problem import Problem
from planner.run.jobs import ScanSpec, write_job
from planner.run.start import missing_train_extra


def wanted(plan: Plan) -> bool:
    """Whether counting is possible and would tell more than is known."""
    model, data = plan.model, plan.data
    return bool(model.path and model.tokenizer and data.path) and data.lengths_from == "estimated"


def count_order(plan: Plan) -> Order:
    """Counts the rows of the plan's data; what comes of it is the data with counted lengths."""
    spec = ScanSpec(model=plan.model.path, data=plan.data.path)
    return Order(
        "count",
        lambda folder: write_job(folder, spec),
        lambda _folder: read_data(plan.data.path, plan.model, name=plan.data.name),
    )


class Counting(QObject):
    """Watches the document. `acted` tells the status bar; `problem` what is wrong with a row or a template."""

    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._tried: set[tuple[str, str]] = set()
        self._left = False
        document.changed.connect(self._look)

    def _look(self, estimate: Estimate) -> None:
        plan = estimate.plan
        key = (plan.data.sha256, plan.model.tokenizer)
        if key in self._tried or not wanted(plan):
            return
        self._tried.add(key)
        background.run(missing_train_extra, lambda missing: None if missing else self._count(plan), self.problem.emit)

    def leave(self) -> None:
        """The window closes: what is asked for and has not begun does not begin."""
        self._left = True

    def _count(self, plan: Plan) -> None:
        if self._left:
            return
        self.acted.emit(f"Counting the tokens of {plan.data.name} …")
        job = Job(self)
        job.done.connect(lambda found: self._put(plan, found))
        job.problem.connect(self._failed)
        job.ended.connect(job.deleteLater)
        job.start(count_order(plan))

    def _put(self, asked: Plan, found: DataFacts) -> None:
        now = self._document.plan
        if now is None or (now.data, now.model) != (asked.data, asked.model):
            return
        self._document.refresh(replace(now, data=found))
        self.acted.emit(f"Counted the tokens of {found.name}: {sum(found.lengths):,}")

    def _failed(self, problem: Problem) -> None:
        self.problem.emit(problem)
