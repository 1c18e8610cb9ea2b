"""Curves of one or several runs in one chart: by colour, by line style, and by a letter at each one's end.

It draws what it is given. Of one run the raw losses stand pale behind the mean, and its memory under what was said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QApplication

from app.pages.runs.curves import NO_POINTS, Points
from app.theme import colour, theme
from app.widgets.live_plot import LivePlot, font_family

STYLES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
LIGHT_INKS = ("#0072b2", "#b34a00", "#00735a", "#8f4a78", "#131d27")  # 3:1 on white
DARK_INKS = ("#56b4e9", "#ff9350", "#3cc79a", "#e0a3c8", "#e9eef3")
MOST = len(STYLES) * len(LIGHT_INKS)  # pairs that can be told apart: four and five have no common divisor
LETTER_GAP = 0.055  # of the height


@dataclass(frozen=True)
class Curve:
    """letter: at its end; pale: raw values behind it; said: low, expected, high in the chart's unit, zeros for none."""

    letter: str
    name: str
    points: Points
    pale: Points = NO_POINTS
    said: tuple[float, float, float] = (0.0, 0.0, 0.0)


def letter(i: int) -> str:
    """A to Z, then A2 and so on."""
    return chr(ord("A") + i % 26) + (str(i // 26 + 1) if i >= 26 else "")


class Overlay(LivePlot):
    """from_zero: the upward axis begins there, as for memory."""

    def __init__(self, name: str, *, from_zero: bool = False, across: str = "") -> None:
        super().__init__(name)
        self.curves: tuple[Curve, ...] = ()
        self._from_zero, self._across = from_zero, across
        self._limits = (0.0, 1.0, 0.0, 1.0)
        self._artists: list[tuple[Any, Any, Any]] = []  # pale, line, letter

    def show_curves(self, curves: Sequence[Curve]) -> None:
        self.curves = tuple(curves)
        told = "; ".join(f"{c.letter} {c.name}: {c.points[1][-1]:.4g} at its end" for c in curves if c.points[1])
        self.setAccessibleDescription(told or "No points yet.")
        self._still = None  # other runs have other lines
        self.changed()

    def build(self, axes: Any) -> Sequence[Any]:
        self._band = axes.axhspan(0, 0, linewidth=0)
        self._said = axes.axhline(0, linewidth=1.6, linestyle=(0, (5, 3)))
        for i in range(MOST):
            (pale,) = axes.plot([], [], linewidth=0.9)
            (line,) = axes.plot([], [], linewidth=2.0, linestyle=STYLES[i % len(STYLES)])
            end = axes.text(0, 0, "", va="center", ha="left", fontweight="bold", clip_on=False)
            self._artists.append((pale, line, end))
        return [artist for three in self._artists for artist in three]

    def fit(self) -> bool:
        xs = [x for c in self.curves for x in (*c.points[0][:1], *c.points[0][-1:])]
        ys = [y for c in self.curves for y in (*c.points[1], *(c.pale[1] if len(self.curves) == 1 else ()))]
        said = [y for c in self.curves if len(self.curves) == 1 for y in c.said if y]
        right = max(xs, default=1.0) or 1.0
        low, high = min((*ys, *said), default=0.0), max((*ys, *said), default=1.0)
        if self._from_zero:
            low = 0.0
        margin = max((high - low) * 0.1, abs(high) * 0.02, 1e-6)
        limits = (0.0, right * 1.06, 0.0 if self._from_zero else low - margin, high + margin)
        fresh = limits != self._limits
        if fresh:
            self._limits = limits
            self.axes.set_xlim(limits[0], limits[1])
            self.axes.set_ylim(limits[2], limits[3])
        return fresh

    def feed(self) -> None:
        alone = len(self.curves) == 1
        for i, (pale, line, end) in enumerate(self._artists):
            curve = self.curves[i] if i < len(self.curves) else None
            xs, ys = curve.points if curve else NO_POINTS
            line.set_data(xs, ys)
            pale.set_data(*(curve.pale if curve and alone else NO_POINTS))
            end.set_text(f" {curve.letter}" if curve and xs and not alone else "")
        self._place_letters()

    def _place_letters(self) -> None:
        """At the ends of the lines, apart from each other where those meet."""
        ends = sorted((c.points[1][-1], i) for i, c in enumerate(self.curves[:MOST]) if c.points[1])
        gap = (self._limits[3] - self._limits[2]) * LETTER_GAP
        last = -math.inf
        for y, i in ends:
            last = max(y, last + gap)
            self._artists[i][2].set_position((self.curves[i].points[0][-1], last))

    def paint_still(self) -> None:
        inks = DARK_INKS if theme().scheme.name == "dark" else LIGHT_INKS
        for i, (pale, line, end) in enumerate(self._artists):
            ink = inks[i % len(inks)]
            line.set_color(ink)
            pale.set_color(colour("pale").name())
            end.set_color(ink)
            end.set_fontfamily(font_family())
            end.set_fontsize(QApplication.font().pointSizeF() * 0.9)
        low, expected, high = self.curves[0].said if len(self.curves) == 1 else (0.0, 0.0, 0.0)
        self._said.set_visible(bool(expected))
        self._band.set_visible(bool(high))
        self._said.set_ydata([expected, expected])
        self._said.set_color(colour("text").name())
        self._band.set_y(low)
        self._band.set_height(high - low)
        self._band.set_color(colour("good").name())
        self._band.set_alpha(0.2)
        self.axes.locator_params(axis="x", nbins=5, integer=True)
        self.axes.locator_params(axis="y", nbins=5)
