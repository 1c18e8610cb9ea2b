"""The two live figures of a run: the loss by step, and the memory over time under what was predicted.

Both read a `RunRecord` and change nothing. The run's own memory stands on zero, so that its figures are those of the
prediction; the room other programs take comes down from above, hatched, to where the load line was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QApplication

from app.pages.run.state import RunRecord
from app.theme import KIND_COLOURS, colour
from app.widgets.live_plot import LivePlot, font_family
from planner.ledger import Kind
from planner.run.events import Evaluation
from planner.units import GIB, MIB, words

MOST_DOTS = 200


class LossPlot(LivePlot):
    """Raw losses pale, their mean strong, the loss on rows held out as rings, the lowest of them filled."""

    def __init__(self) -> None:
        super().__init__("Loss by step")
        self.record = RunRecord()
        self._limits = (0.0, 1.0, 0.0, 1.0)

    def build(self, axes: Any) -> Sequence[Any]:
        (self._raw,) = axes.plot([], [], linewidth=1.0)
        (self._smooth,) = axes.plot([], [], linewidth=2.2, solid_capstyle="round")
        (self._end,) = axes.plot([], [], marker="o", markersize=6, linestyle="none", clip_on=False)
        ring = {"marker": "o", "linestyle": "none", "markeredgewidth": 2, "clip_on": False}
        (self._held_out,) = axes.plot([], [], markersize=8, markerfacecolor="none", **ring)
        (self._best,) = axes.plot([], [], markersize=8, **ring)
        self._value = axes.text(0, 0, "", va="bottom", ha="right", fontweight="bold")
        self._key = axes.text(0.995, 0.98, "", transform=axes.transAxes, va="top", ha="right")
        return (self._raw, self._smooth, self._end, self._held_out, self._best, self._value)

    def fit(self) -> bool:
        xs, ys = self.record.raw.points()
        right = float(max(self.record.total_steps, xs[-1] if xs else 1, 1))
        _left, was_right, low, high = self._limits
        fresh = was_right != right
        ys = [*ys, *(e.loss for e in self._dots())]
        if ys:
            bottom, top = min(ys), max(ys)
            margin = max((top - bottom) * 0.12, abs(top) * 0.02, 1e-6)
            # limits move only when the data leave them or use less than half of them
            if fresh or bottom < low or top > high or (high - low) > 2.4 * (top - bottom + 2 * margin):
                low, high, fresh = bottom - margin, top + margin, True
        self._limits = (0.0, right, low, high)
        if fresh:
            self.axes.set_xlim(0, right)
            self.axes.set_ylim(low, high)
        return fresh

    def feed(self) -> None:
        xs, ys = self.record.smooth.points()
        self._raw.set_data(*self.record.raw.points())
        self._smooth.set_data(xs, ys)
        self._end.set_data(xs[-1:], ys[-1:])
        dots, best = self._dots(), self.record.best_evaluation()
        self._held_out.set_data([e.step for e in dots], [e.loss for e in dots])
        self._best.set_data([best.step] if best else [], [best.loss] if best else [])
        self._value.set_text(f"{dots[-1].loss:.3f} " if dots else "")
        if dots:
            self._value.set_position((dots[-1].step, dots[-1].loss))
        key = "○ loss on rows held out, ● lowest" if dots else ""
        if key != self._key.get_text():
            self._key.set_text(key)
            self._still = None  # the key stands still: the next drawing is of everything

    def _dots(self) -> list[Evaluation]:
        """Of very many evaluations every so manyth, and the last."""
        found = [e for e in self.record.evaluations if math.isfinite(e.loss)]
        every = math.ceil(len(found) / MOST_DOTS) or 1
        return [*found[:-1:every], *found[-1:]]

    def paint_still(self) -> None:
        held_out = KIND_COLOURS[Kind.LOGITS]
        for artist in (self._held_out, self._best):
            artist.set_color(held_out)
        self._held_out.set_markerfacecolor(colour("card").name())
        for text in (self._value, self._key):
            text.set_fontsize(QApplication.font().pointSizeF() * 0.9)
            text.set_fontfamily(font_family())
        self._value.set_color(colour("text").name())
        self._key.set_color(colour("muted").name())
        accent, pale = colour("accent").name(), colour("pale").name()
        self._raw.set_color(pale)
        self._smooth.set_color(accent)
        self._end.set_color(accent)
        right = self._limits[1]
        step = max(1.0, _round_step(right))
        marks = [n * step for n in range(int(right / step) + 1)]
        # at the very end a label would be cut
        self.axes.set_xticks([n for n in marks if n <= 0.96 * right or len(marks) < 3])
        self.axes.locator_params(axis="y", nbins=6)


class MemoryPlot(LivePlot):
    """The run's memory over its time; predicted peak dashed with its band; load line; other programs hatched."""

    def __init__(self) -> None:
        super().__init__("Memory over time")
        self.record = RunRecord()
        self._right = 10.0
        self._top = 0.0
        self._over = False
        self._unit = GIB

    @property
    def x_end(self) -> float:
        """Where the time axis ends, in seconds; the phase strip below uses the same."""
        return self._right

    def build(self, axes: Any) -> Sequence[Any]:
        self._area = axes.fill_between([0.0], [0.0], [0.0], linewidth=0)
        self._swapped = axes.fill_between([0.0], [0.0], [0.0], hatch="xxxx", linewidth=0)
        (self._edge,) = axes.plot([], [], linewidth=1.4)
        self._others = axes.fill_between([0.0], [0.0], [0.0], hatch="////", linewidth=0)
        self._band = axes.axhspan(0, 0, linewidth=0)
        self._said = axes.axhline(0, linewidth=1.8, linestyle=(0, (5, 3)))
        self._line = axes.axhline(0, linewidth=2.2)
        (self._mark,) = axes.plot([], [], marker="o", markersize=9, markerfacecolor="none", linestyle="none")
        self._said_text = axes.text(0, 0, "", va="bottom", ha="right", fontweight="bold")
        self._line_text = axes.text(0, 0, "", va="bottom", ha="left")
        axes.xaxis.set_major_formatter(lambda x, _position: _time_label(x, self._right))
        axes.yaxis.set_major_formatter(lambda y, _position: f"{y / self._unit:g}")
        return (self._others, self._area, self._swapped, self._edge)

    def fit(self) -> bool:
        record, said = self.record, self.record.said
        over = not record.live and record.seconds > 0
        right = self._right
        if over:
            right = record.seconds * 1.02
        elif record.seconds > right or record.seconds < right / 4:
            right = max(10.0, record.seconds * 1.3)
        spilled = max(record.swapped.points()[1], default=0.0)
        top = max(said.high, record.peak_bytes + spilled, 1) * 1.22
        if said.budget and said.budget < top * 1.6:
            top = max(top, said.budget * 1.08)
        if abs(top - self._top) < self._top * 0.02:
            top = self._top
        fresh = (right, top, over) != (self._right, self._top, self._over)
        self._right, self._top, self._over = right, top, over
        self._unit = GIB if top >= 2 * GIB else MIB
        if fresh:
            self.axes.set_xlim(0, right)
            self.axes.set_ylim(0, top)
        return fresh

    def feed(self) -> None:
        xs, ys = self.record.memory.points()
        self._area.set_data(xs or [0.0], [0.0] * max(1, len(xs)), ys or [0.0])
        self._edge.set_data(xs, ys)
        self._feed_swapped(xs, ys)
        xs, others = self.record.others.points()
        said = self.record.said
        first = others[0] if others else 0.0
        # room that other programs have taken since the start lowers the ceiling the run was planned under
        ceiling = [max(0.0, said.budget - (n - first)) for n in others] if said.budget else [self._top] * len(others)
        floor = [min(c, self._top) for c in ceiling]
        self._others.set_data(xs or [0.0], floor or [self._top], [self._top] * max(1, len(xs)))

    def _feed_swapped(self, xs: list[float], ys: list[float]) -> None:
        """What of the run lies on the disk stands on what lies in memory."""
        at, swapped = self.record.swapped.points()
        if not any(swapped) or not xs or self.record.source == "reserved":  # of RAM, and this is a card
            self._swapped.set_data([0.0], [0.0], [0.0])
            return
        import numpy as np

        base = np.interp(at, xs, ys)
        self._swapped.set_data(at, base, base + np.asarray(swapped))

    def paint_still(self) -> None:
        said, weights = self.record.said, KIND_COLOURS[Kind.WEIGHTS]
        strong, text = KIND_COLOURS[Kind.LOGITS], colour("text").name()
        ink = colour("bad").name()
        self._area.set_facecolor(weights)
        self._area.set_alpha(0.6)
        self._edge.set_color(colour("accent").name())
        self._swapped.set_facecolor("none")
        self._swapped.set_edgecolor(colour("bad").name())
        self._others.set_facecolor("none")
        self._others.set_edgecolor(colour("others").name())
        for artist in (self._said, self._band, self._said_text):
            artist.set_visible(said.expected > 0)
        self._band.set_y(said.low)
        self._band.set_height(max(0, said.high - said.low))
        self._band.set_width(1)
        self._band.set_facecolor(strong)
        self._band.set_alpha(0.16)
        self._said.set_ydata([said.expected] * 2)
        self._said.set_color(strong)
        self._said_text.set_position((self._right * 0.995, said.high))
        for words_ in (self._said_text, self._line_text):
            words_.set_fontsize(QApplication.font().pointSizeF() * 0.95)
            words_.set_fontfamily(font_family())
        self._said_text.set_text(f"predicted peak {words(said.expected)}")
        self._said_text.set_color(ink)
        inside = 0 < said.budget <= self._top
        self._line.set_visible(inside)
        self._mark.set_visible(inside)
        self._line.set_ydata([said.budget] * 2)
        self._line.set_color(text)
        self._mark.set_data([self._right * 0.06], [said.budget])
        self._mark.set_color(text)
        self._mark.set_markeredgewidth(2)
        self._line_text.set_visible(said.budget > 0)
        self._line_text.set_color(text)
        if inside:
            self._line_text.set_position((self._right * 0.09, said.budget))
            self._line_text.set_text(f"load line {words(said.budget)}")
        else:
            self._line_text.set_position((self._right * 0.01, self._top * 0.93))
            others = f", other programs {words(self.record.others_bytes)}" if self.record.others_bytes else ""
            self._line_text.set_text(f"↑ load line {words(said.budget)}{others}")
        step = _round_step(self._top / self._unit)
        self.axes.set_yticks([i * step * self._unit for i in range(math.floor(self._top / self._unit / step) + 1)])
        self.axes.set_xticks(_time_ticks(self._right))

    def unit_words(self) -> str:
        return "GiB" if self._unit == GIB else "MiB"


def _round_step(top: float, most: int = 5) -> float:
    """A round distance between at most `most` + 1 marks up to `top`."""
    raw = top / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw)


def _time_label(x: float, end: float) -> str:
    """Marks of one axis in one unit: seconds up to two minutes, minutes up to two hours, then hours."""
    if not x:
        return "0"
    if end < 120:
        return f"{x:g} s"
    return f"{x / 60:g} min" if end < 7200 else f"{x / 3600:.3g} h"


def _time_ticks(end: float, most: int = 6) -> list[float]:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    step = next((s for s in steps if end / s <= most), math.ceil(end / most))
    marks = [float(i * step) for i in range(int(end / step) + 1)]
    return marks[:-1] if len(marks) > 2 and marks[-1] > 0.96 * end else marks  # at the very end a label would be cut
