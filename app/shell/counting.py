"""Counts tokens in the background where a plan has only estimated lengths, so that the longest batch becomes certain.

A worker does it, with the model's own tokenizer; it keeps the count for later plans. Each data set is tried once per
tokenizer and window. Planning never waits for it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app import background
from app.counted import wanted, with_count
from app.document import Document
from app.job import Job, Order
from app.pages.plan.state import read_ahead
from planner.estimate import Estimate
from planner.facts.data import DataFacts
from planner.facts.mapping import data_key
from planner.facts.read_data import read_data
from planner.plan import Plan
from planner.problem import Problem
from planner.run.jobs import ScanSpec, write_job
from planner.run.start import missing_train_extra


def count_order(plan: Plan) -> Order:
    """Counts the rows of the plan's data; what comes of it is the data with counted lengths."""
    spec = ScanSpec(model=plan.model.path, data=plan.data.path, mapping=plan.data.mapping)

    def read(_folder: Path) -> DataFacts:
        found = with_count(plan)
        if found is None:  # the file is another by now
            found = read_data(plan.data.path, plan.model, name=plan.data.name, mapping=plan.data.mapping)
            found = replace(found, mapping=plan.data.mapping)
        read_ahead(replace(plan, data=found))
        return found

    return Order("count", lambda folder: write_job(folder, spec), read)


def key_of(plan: Plan) -> tuple[str, str]:
    """What a count depends on: the rows as they are mapped, and the tokenizer."""
    return data_key(plan.data.sha256, plan.data.mapping), plan.model.tokenizer


class Counting(QObject):
    """Watches the document. `acted` tells the status bar; `problem` what is wrong with a row or a template."""

    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._tried: set[tuple[str, str]] = set()
        self._counted: dict[tuple[str, str], DataFacts] = {}  # an undo brings back facts that were only estimated
        self._left = False
        document.changed.connect(self._look)

    def _look(self, estimate: Estimate) -> None:
        plan = estimate.plan
        key = key_of(plan)
        known = self._counted.get(key)
        if known is not None and plan.data.lengths_from == "estimated":
            QTimer.singleShot(0, lambda: self._put_known(key, known))  # not while others are still told of this plan
            return
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
        self._counted[key_of(asked)] = found
        now = self._document.plan
        if now is None or key_of(now) != key_of(asked) or now.data.lengths_from != "estimated":
            return
        self._put_known(key_of(asked), found)
        self.acted.emit(f"Counted the tokens of {found.name}: {sum(found.lengths):,}")

    def _put_known(self, key: tuple[str, str], found: DataFacts) -> None:
        """The lengths, for data that is still the same; its name, its place and its flag are the plan's own."""
        now = self._document.plan
        if now is None or self._left or key_of(now) != key or now.data.lengths_from != "estimated":
            return
        counted = replace(now.data, lengths=found.lengths, prompt_lengths=found.prompt_lengths)
        self._document.refresh(
            replace(now, data=replace(counted, lengths_from=found.lengths_from, tokenizer=found.tokenizer))
        )

    def _failed(self, problem: Problem) -> None:
        self.problem.emit(problem)
