"""Loss and memory of the chosen runs side by side, each with its table twin. It paints curves that were read elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.pages.runs.curves import NO_POINTS, Curves, Points
from app.pages.runs.overlay import MOST, Curve, Overlay, letter
from app.pages.runs.words import runs_words
from app.theme import em
from app.widgets.chart_card import ChartCard
from planner.run.library import RunSummary
from planner.run.said import RESERVED
from planner.units import GIB, MIB, words

MOST_ROWS = 100  # of each run in a table twin


class Charts(QWidget):
    """`show_runs` names them, `show_curves` brings what was read since."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: tuple[RunSummary, ...] = ()
        self._curves: Mapping[str, Curves] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(0.7))
        self.loss = Overlay("Loss by step")
        self.memory = Overlay("Memory over time", from_zero=True)
        self.loss_card = ChartCard("Loss", self.loss, ("Run", "Step", "Loss"), self._loss_rows)
        self.memory_card = ChartCard("Memory", self.memory, ("Run", "Second", "Memory"), self._memory_rows)
        for card in (self.loss_card, self.memory_card):
            row.addWidget(card, 1)

    def show_runs(self, runs: Sequence[RunSummary], curves: Mapping[str, Curves]) -> None:
        self._runs, self._curves = tuple(runs), curves
        drawn = self._runs[:MOST]
        self.loss.show_curves([self._loss_curve(i, run) for i, run in enumerate(drawn)])
        unit = GIB if max((run.peak_bytes for run in drawn), default=0) >= 2 * GIB else MIB
        self.memory.show_curves([self._memory_curve(i, run, unit) for i, run in enumerate(drawn)])
        unit_word = "GiB" if unit == GIB else "MiB"
        more = f" · the first {MOST} of {runs_words(len(self._runs))}" if len(self._runs) > MOST else ""
        one = len(drawn) == 1
        self.loss_card.say("by step" + (", mean strong, raw pale" if one else more))
        self.memory_card.say(f"{unit_word} by second" + (", dashed: what was said" if one else more))
        for card in (self.loss_card, self.memory_card):
            card.refresh_table()

    def _loss_curve(self, i: int, run: RunSummary) -> Curve:
        found = self._curves.get(run.key)
        return Curve(letter(i), run.name, *((found.smooth, found.raw) if found else (NO_POINTS, NO_POINTS)))

    def _memory_curve(self, i: int, run: RunSummary, unit: int) -> Curve:
        found = self._curves.get(run.key)
        xs, ys = found.memory if found else NO_POINTS
        low, expected, high = (n / unit for n in (run.low_bytes, run.predicted_bytes, run.high_bytes))
        return Curve(letter(i), run.name, (xs, tuple(y / unit for y in ys)), NO_POINTS, (low, expected, high))

    # table twins

    def _loss_rows(self) -> list[tuple[str, ...]]:
        return [
            (f"{letter(i)} {run.name}", f"{x:,.0f}", f"{y:.4g}" if math.isfinite(y) else "–")
            for i, run in enumerate(self._runs)
            for x, y in _some(self._curves[run.key].raw if run.key in self._curves else NO_POINTS)
        ]

    def _memory_rows(self) -> list[tuple[str, ...]]:
        return [
            (f"{letter(i)} {run.name}", f"{x:,.1f}", words(round(y)))
            for i, run in enumerate(self._runs)
            for x, y in _some(self._curves[run.key].memory if run.key in self._curves else NO_POINTS)
        ]


def _some(points: Points) -> list[tuple[float, float]]:
    """Evenly, the last one always."""
    xs, ys = points
    step = max(1, -(-len(xs) // MOST_ROWS))
    places = sorted({*range(0, len(xs), step), *([len(xs) - 1] if xs else [])})
    return [(xs[i], ys[i]) for i in places]


def counter_words(run: RunSummary) -> str:
    """What was measured: the process, or what a card's allocator holds."""
    return "the allocator's memory" if run.source == RESERVED else "the process's memory"
