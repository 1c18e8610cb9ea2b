"""Asks a worker for the first batch of the open plan and keeps what came of it until another plan makes it old.

It makes nothing itself: tokenizer and collator are the worker's.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app import background
from app.document import Document
from app.job import Job, Order, Told
from app.pages.plan.data.batch import BatchLine, asked_of, headline, lines, refused
from planner.plan import Plan
from planner.problem import Problem
from planner.run.jobs import FirstBatchSpec, write_job
from planner.run.results import FIRST_BATCH, FirstBatch, load
from planner.run.start import missing_train_extra

Found = tuple[str, tuple[BatchLine, ...]]
PHASES = {"start": "starting", "data": "preparing the rows", "check": "looking at model and data"}


def order(plan: Plan) -> Order:
    """The worker's job; words and pieces are made where its result is read, off the GUI thread."""
    spec = FirstBatchSpec(
        model=plan.model.path, data=plan.data.path, schedule=plan.stage.schedule, mapping=plan.data.mapping
    )

    def read(folder: Path) -> Found:
        found = load(FirstBatch, folder / FIRST_BATCH)
        return headline(found), lines(found)

    return Order("first-batch", lambda folder: write_job(folder, spec), read)


class Batching(QObject):
    """`changed`: there is something else to show. `problem` why there is no batch."""

    changed = Signal()
    problem = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._asked: tuple[object, ...] = ()
        self._left = False
        self.found: Found | None = None
        self.told = ""  # what goes on; empty while nothing does
        self.job = Job(self)
        self.job.told.connect(self._tell)
        self.job.done.connect(self._came)
        self.job.problem.connect(self.problem)
        self.job.ended.connect(self._ended)

    @property
    def refused(self) -> str:
        """Why it cannot be asked for now; empty where it can."""
        plan = self._document.plan
        return "There is no plan yet." if plan is None else refused(plan)

    @property
    def stale(self) -> bool:
        """Whether what is shown is of a plan as it was."""
        plan = self._document.plan
        return self.found is not None and plan is not None and asked_of(plan) != self._asked

    def ask(self) -> None:
        plan = self._document.plan
        if self.told or plan is None or self.refused:
            return
        self._say("Starting …")

        def go(missing: Problem | None) -> None:
            if self._left:
                return
            if missing is not None:
                self._say("")
                self.problem.emit(missing)
            elif self.told:
                self._asked = asked_of(plan)
                self.job.start(order(plan))

        background.run(missing_train_extra, go, self.problem.emit)

    def cancel(self) -> None:
        if self.job.going_on:
            self._say("Ending …")
            self.job.cancel()
        else:
            self._say("")

    def leave(self) -> None:
        """The window closes."""
        self._left = True

    def _say(self, told: str) -> None:
        self.told = told
        self.changed.emit()

    def _tell(self, told: Told) -> None:
        detail = f" ({told.detail})" if told.detail else ""
        self._say(f"First batch: {PHASES.get(told.phase, told.phase)}{detail} · {told.elapsed_s:.0f} s")

    def _came(self, found: Found) -> None:
        self.found = found

    def _ended(self) -> None:
        self._say("")
