"""Counts tokens in the background where a plan has only estimated lengths, so that the longest batch becomes certain.

A worker does it, with the model's own tokenizer; it keeps the count for later plans. Each data set is tried once per
tokenizer and window. Planning never waits for it.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app import background
from app.document import Document
from planner.estimate import Estimate
from planner.facts.data import DataFacts
from planner.facts.read_data import read_data
from planner.plan import Plan
from planner.problem import Problem, ProblemError
from planner.run import journal, lock
from planner.run.events import Failed
from planner.run.home import home
from planner.run.jobs import ScanSpec, write_job
from planner.run.start import missing_train_extra, start

LOOK_EVERY_S = 0.1


def wanted(plan: Plan) -> bool:
    """Whether counting is possible and would tell more than is known."""
    model, data = plan.model, plan.data
    return bool(model.path and model.tokenizer and data.path) and data.lengths_from == "estimated"


def counted(plan: Plan) -> DataFacts | None:
    """The data with counted lengths; None where the libraries for it are not installed. Raises ProblemError."""
    if missing_train_extra():
        return None
    (home() / "work").mkdir(parents=True, exist_ok=True)
    run_dir = Path(tempfile.mkdtemp(prefix="count-", dir=home() / "work"))
    try:
        write_job(run_dir, ScanSpec(model=plan.model.path, data=plan.data.path))
        start(run_dir)
        while lock.is_held(run_dir):
            time.sleep(LOOK_EVERY_S)
        word = journal.last_word(journal.read_all(run_dir, over=True).events)
        if isinstance(word, Failed):
            raise ProblemError(word.problem)
        if word is None:
            raise ProblemError(lock.died(run_dir))
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
    return read_data(plan.data.path, plan.model, name=plan.data.name)


class Counting(QObject):
    """Watches the document. `acted` tells the status bar; `problem` what is wrong with a row or a template."""

    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._tried: set[tuple[str, str]] = set()
        document.changed.connect(self._look)

    def _look(self, estimate: Estimate) -> None:
        plan = estimate.plan
        key = (plan.data.sha256, plan.model.tokenizer)
        if key in self._tried or not wanted(plan):
            return
        self._tried.add(key)
        self.acted.emit(f"Counting the tokens of {plan.data.name} …")
        background.run(lambda: counted(plan), lambda found: self._put(plan, found), self._failed)

    def _put(self, asked: Plan, found: DataFacts | None) -> None:
        now = self._document.plan
        if found is None or now is None or (now.data, now.model) != (asked.data, asked.model):
            return
        self._document.refresh(replace(now, data=found))
        self.acted.emit(f"Counted the tokens of {found.name}: {sum(found.lengths):,}")

    def _failed(self, problem: Problem) -> None:
        self.problem.emit(problem)
