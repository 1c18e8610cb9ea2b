"""The Run page: a run as its journal tells it, live or long over. It reads a record; it decides nothing about the run."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QVBoxLayout, QWidget

from app.pages.plan.state import bar, title
from app.pages.run.answers import AnswersCard
from app.pages.run.fault import fault_of
from app.pages.run.fault_card import FaultCard
from app.pages.run.head import RunHead
from app.pages.run.log_card import LogCard
from app.pages.run.plots import LossPlot, MemoryPlot
from app.pages.run.state import RunRecord, duration
from app.shown import Part
from app.theme import em
from app.widgets.chart_card import ChartCard
from app.widgets.empty_page import EmptyPage
from app.widgets.progress_strip import PhaseStrip, Stretch
from app.widgets.said_took import SaidTook
from app.widgets.scroll import Scrolled
from app.widgets.surface import Card, Words, caption
from planner.estimate import estimate
from planner.run.journal_index import JournalIndex
from planner.units import words


class RunPage(QWidget):
    """`wish` carries an inbox verb; the other signals ask the window."""

    wish = Signal(str)
    stop_wanted = Signal()
    resume_wanted = Signal()
    retry_wanted = Signal()
    folder_wanted = Signal()
    example_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record = RunRecord()
        self._parts: tuple[Part, ...] = ()
        self._parts_of: object = None
        self.setAccessibleName("Run page")
        self._stack = QStackedWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(em(1.3), em(0.9), em(1.3), em(0.9))
        outer.addWidget(self._stack)
        self._stack.addWidget(self._empty())
        self._stack.addWidget(Scrolled(self._full()))

    def _empty(self) -> QWidget:
        sentence = "Press Start on the Plan page, or start the example: it trains in minutes on this computer."
        page = EmptyPage("No run yet", sentence, "Start the exa&mple")
        self.example = page.button
        self.example.setAccessibleName("Start the example")
        self.example.clicked.connect(self.example_wanted.emit)
        return page

    def _full(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.7))
        self.head = RunHead()
        self.head.wish.connect(self.wish.emit)
        self.head.stop_wanted.connect(self.stop_wanted.emit)
        self.head.resume_wanted.connect(self.resume_wanted.emit)
        self.head.folder_wanted.connect(self.folder_wanted.emit)
        layout.addWidget(self.head)
        self.fault = FaultCard()
        self.fault.retry_wanted.connect(self.retry_wanted.emit)
        self.fault.again_wanted.connect(self.resume_wanted.emit)
        layout.addWidget(self.fault)
        self.remark = Words("", "bad", wrap=True)
        self.remark.setAccessibleName("Remark on the run")
        self.remark.hide()
        layout.addWidget(self.remark)
        grid = QGridLayout()
        grid.setSpacing(em(0.7))
        self.loss = LossPlot()
        self.loss_card = ChartCard("Loss", self.loss, ("Step", "Loss", "Held out"), self._loss_rows)
        self.memory = MemoryPlot()
        self.phases = PhaseStrip()
        self.memory.refitted.connect(self._show_phases)
        both = QWidget()
        column = QVBoxLayout(both)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.memory, 1)
        column.addWidget(self.phases)
        self.memory_card = ChartCard("Memory", both, ("Time", "This run"), self._memory_rows)
        grid.addWidget(self.loss_card, 0, 0)
        grid.addWidget(self.memory_card, 0, 1)
        self.answers, self.log = AnswersCard(), LogCard()
        grid.addWidget(self.answers, 1, 0)
        right = QVBoxLayout()
        right.setSpacing(em(0.7))
        right.addWidget(self._verdict_card())
        right.addWidget(self.log, 1)
        grid.addLayout(right, 1, 1)
        grid.setRowStretch(0, 5)
        grid.setRowStretch(1, 4)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        layout.addLayout(grid, 1)
        return page

    def _verdict_card(self) -> Card:
        card = Card()
        card.body.addWidget(caption("We said · it took"))
        self.sentence = Words("", "text", 1.3, bold=True, wrap=True)
        self.sentence.setAccessibleName("Said and took sentence")
        self.miss = Words("", "muted", wrap=True)
        self.said_took = SaidTook()
        card.body.addWidget(self.sentence)
        card.body.addWidget(self.miss)
        card.body.addWidget(self.said_took)
        return card

    # showing

    def show_run(self, run_dir: Path) -> None:
        """Another run is shown from now on."""
        self._stack.setCurrentIndex(1)

    def show_record(self, record: RunRecord) -> None:
        """All of the page from one record; figures are drawn later, by their own timer."""
        self._record = record
        self.head.show_record(record, self._name(), self._when())
        self.fault.show_fault(fault_of(record))
        self.remark.setText(record.remark())
        self.remark.set_role("bad" if record.live else "text")
        self.remark.setVisible(bool(record.remark()))
        for plot in (self.loss, self.memory):
            plot.record = record
            plot.changed()
        self.loss_card.say(_loss_words(record))
        self.memory_card.say(f"{_memory_words(record)} · axis in {self.memory.unit_words()}")
        self.loss_card.refresh_table()
        self.memory_card.refresh_table()
        self._show_phases()
        self.answers.show_record(record)
        self.sentence.setText(record.verdict_words() or "The first reading comes with the model.")
        self.miss.setText(record.miss_words())
        self.miss.setVisible(bool(record.miss_words()))
        said = record.said
        over = not record.live
        self.said_took.show_figures(
            (said.low, said.expected, said.high), self._said_parts(), record.took_bytes, over=over
        )

    def offer_retry(self, title: str, detail: str) -> None:
        """The change that would let a run that ran out of memory go on."""
        self.fault.offer(title, detail)

    def show_journal(self, index: JournalIndex | None) -> None:
        """The lines of the run's journal, for its log."""
        self.log.show_journal(index)

    def leave(self) -> None:
        """The window closes: nothing that is read now is waited for."""
        self.log.leave()

    def _show_phases(self) -> None:
        """Under the time axis as it is now."""
        end = max(self.memory.x_end, 1e-9)
        spans = self._record.spans[-200:]
        self.phases.show_stretches(tuple(Stretch(s.name, s.start / end, s.end / end) for s in spans))

    def _name(self) -> str:
        spec = self._record.spec
        return title(spec.plan, here=True) if spec else "A run"

    def _when(self) -> str:
        began = self._record.began_at
        try:
            return time.strftime("%Y-%m-%d %H:%M", time.localtime(began)) if began else ""
        except (OverflowError, ValueError, OSError):  # a time no calendar has
            return ""

    def _said_parts(self) -> tuple[Part, ...]:
        """The parts of the prediction, summed once per run from the plan it was made from."""
        spec = self._record.spec
        if spec is not self._parts_of:
            result = estimate(spec.plan) if spec else None
            self._parts = bar(result, result.tiers[0]).parts if result and result.tiers else ()
            self._parts_of = spec
        return self._parts

    def _loss_rows(self) -> list[tuple[str, ...]]:
        losses = {round(x): f"{y:.4f}" for x, y in zip(*self._record.raw.points(), strict=True)}
        held_out = {e.step: f"{e.loss:.4f}" for e in self._record.evaluations}
        return [(f"{n}", losses.get(n, ""), held_out.get(n, "")) for n in sorted(losses.keys() | held_out.keys())]

    def _memory_rows(self) -> list[tuple[str, ...]]:
        return [(duration(x), words(round(y))) for x, y in zip(*self._record.memory.points(), strict=True)]


def _loss_words(record: RunRecord) -> str:
    if record.loss != record.loss:
        return "nothing yet"
    parts = [f"step {record.step:,}: {record.loss:.3f}, smoothed {record.smoothed:.3f}"]
    if record.evaluations:
        last, best = record.evaluations[-1], record.best_evaluation()
        kept = f" (best {best.loss:.3f} at step {best.step:,})" if best and best is not last else " (best so far)"
        parts.append(f"held out {last.loss:.3f}{kept}")
    if record.skipped:
        parts.append("drawn from a part of its steps")
    return " · ".join(parts)


def _memory_words(record: RunRecord) -> str:
    if not record.peak_bytes:
        return "nothing yet"
    now = f"now {words(record.held_bytes)} · " if record.live else ""
    what = "of its RAM" if record.source == "reserved" else "of it"
    spilled = f" · {words(record.swapped_bytes)} {what} on disk" if record.swapped_bytes else ""
    return f"{now}highest {words(record.peak_bytes)}{spilled}"
