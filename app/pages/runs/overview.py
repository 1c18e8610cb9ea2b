"""What stands below the list while no run is chosen: said against took of all of them, and what they take on the disk.

The picture is the Trust page's own; its table twin is the list above it.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.pages.runs.state import RunsState
from app.pages.runs.words import runs_words
from app.pages.trust.chart import TrustChart
from app.pages.trust.rows import Origin, TrustRow
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.surface import Card, Elided, Words, caption
from planner.run.library import RunSummary
from planner.units import words

HINT = "Choose a run to look at it, several (Ctrl or Shift) to compare them. Return opens one on the Run page."


class Overview(QWidget):
    """`picked` carries the key of a run whose point was pressed; `free_wanted` asks for the room of needless checkpoints."""

    picked = Signal(str)
    free_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[TrustRow, ...] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(0.7))
        card = Card()
        head = QHBoxLayout()
        head.addWidget(caption("Said against took"))
        self.sentence = Elided("", "muted", 0.9)
        self.sentence.setAccessibleName("Said against took in a sentence")
        head.addWidget(self.sentence, 1)
        card.body.addLayout(head)
        self.chart = TrustChart()
        self.chart.setAccessibleName("Said against took of all runs")
        self.chart.picked.connect(lambda key: self.picked.emit(key) if key else None)
        self.chart.hovered.connect(self._hovered)
        self.chart.step.connect(self._step)
        card.body.addWidget(self.chart, 1)
        row.addWidget(card, 3)
        side = Card()
        side.body.addWidget(caption("On the disk"))
        self.disk = Words("", "text", 1.1, bold=True, wrap=True)
        self.disk.setAccessibleName("Disk use of all runs")
        self.needless = Words("", "muted", wrap=True)
        self.needless.setAccessibleName("What could be freed")
        self.free = Button("")
        self.free.clicked.connect(self.free_wanted.emit)
        side.body.addWidget(self.disk)
        side.body.addWidget(self.needless)
        side.body.addWidget(self.free)
        side.body.addStretch(1)
        side.body.addWidget(Words(HINT, "muted", 0.94, wrap=True))
        row.addWidget(side, 2)

    def show_state(self, state: RunsState) -> None:
        self._rows = trust_rows(state.shown)
        told = said_took_words(state.shown)
        self.chart.show_rows(self._rows, "", told)
        self.sentence.setText(told)
        self.disk.setText(words(state.disk_bytes) if state.disk_bytes or not state.runs else "Counting …")
        folders, size = state.needless()
        self.free.setVisible(size > 0)
        self.needless.setVisible(size > 0)
        self.free.setText(f"Free {words(size)}")
        self.free.setAccessibleName(f"Free {words(size)} by deleting checkpoints of finished runs")
        self.free.updateGeometry()
        self.needless.setText(
            f"{words(size)} of it are checkpoints of {runs_words(len(folders))} that made all steps. Their results stay."
        )

    def _hovered(self, key: str) -> None:
        row = next((r for r in self._rows if r.key == key), None)
        self.sentence.setText(f"{row.name}: said {words(row.expected)}, took {words(row.measured)}" if row else "")
        if row is None:
            self.sentence.setText(self.chart.accessibleDescription())

    def _step(self, steps: int, _along_miss: bool) -> None:
        ordered = sorted(self._rows, key=lambda r: r.measured)
        if ordered:
            self.picked.emit(ordered[0 if steps > 0 else -1].key)


def trust_rows(runs: Sequence[RunSummary]) -> tuple[TrustRow, ...]:
    """Those whose batches all came, as points."""
    return tuple(
        TrustRow(
            key=run.key,
            origin=Origin.RUN,
            name=run.name,
            source="",
            model=run.model,
            card="",
            techniques=(run.method,),
            counter=run.source,
            low=run.low_bytes,
            expected=run.predicted_bytes,
            high=run.high_bytes,
            measured=run.peak_bytes,
        )
        for run in runs
        if run.miss is not None
    )


def said_took_words(runs: Sequence[RunSummary]) -> str:
    """`24 runs are over: 23 within 5 % of what was said, the worst missed by −7.1 %.`"""
    misses = [run.miss for run in runs if run.miss is not None]
    if not misses:
        return "No run has come to its end yet: nothing to hold against what was said."
    worst = max(misses, key=abs)
    near = sum(abs(miss) <= 0.05 for miss in misses)
    end = "the worst" if len(misses) > 1 else "it"
    return (
        f"{runs_words(len(misses))} came to the end: {near:,} within 5 % of what was said, "
        f"{end} took {abs(100 * worst):.1f} % {'less' if worst < 0 else 'more'}."
    )
