"""The errors as one picture: predicted against measured, and how the errors are spread, both by source.

Drawn without a display. The same figures give the same file, byte for byte, so that a commit shows real changes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.truth.answer import Predicted
from benchmarks.truth.score import Answered, by_source
from planner.units import GIB

BAND_PCT = 5.0
SPREAD_PCT = 20  # errors beyond are drawn in one bar at either end
SMALL = 5  # sources with fewer rows share a colour
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7d5ba6", "#8a8d00", "#7d8894")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "o")
TICKS_GIB = (0.5, 1, 2, 4, 8, 16, 32, 64, 128)


def draw(rows: Sequence[Answered], file: Path) -> None:
    """Write the picture of these rows; those without a prediction or a measurement are left out."""
    with matplotlib.rc_context({"svg.hashsalt": "truth", "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(figsize=(11, 4.8), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        groups = _groups([x for x in rows if x.error_pct is not None])
        _scatter(left, groups)
        _histogram(right, groups)
        figure.savefig(file, metadata={"Date": None, "Creator": None})


def _groups(rows: Sequence[Answered]) -> list[tuple[str, list[Answered]]]:
    """Largest source first, the small ones together at the end."""
    by_size = sorted(by_source(rows).items(), key=lambda kv: (-len(kv[1]), kv[0]))
    large = [(name, of) for name, of in by_size if len(of) >= SMALL][: len(COLOURS) - 1]
    named = {name for name, _ in large}
    rest = [x for name, of in by_size if name not in named for x in of]
    return [*large, *([("other sources", rest)] if rest else [])]


def _scatter(axes: Axes, groups: Sequence[tuple[str, list[Answered]]]) -> None:
    for (name, rows), colour, marker in zip(groups, COLOURS, MARKERS, strict=False):
        measured, predicted = zip(*(_gib(x) for x in rows), strict=True)
        axes.scatter(measured, predicted, s=16, marker=marker, c=colour, alpha=0.7, linewidths=0, label=name)
    ends = (0.4, 160.0)
    axes.plot(ends, ends, color="#131d27", linewidth=0.8)
    for factor in (1 - BAND_PCT / 100, 1 + BAND_PCT / 100):
        axes.plot(ends, [e * factor for e in ends], color="#131d27", linewidth=0.6, linestyle="--")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    shown = FuncFormatter(lambda value, _: f"{value:g}")
    axes.set_xticks(TICKS_GIB)
    axes.set_yticks(TICKS_GIB)
    axes.xaxis.set_major_formatter(shown)
    axes.yaxis.set_major_formatter(shown)
    axes.minorticks_off()
    axes.set_xlabel("measured, GiB")
    axes.set_ylabel("predicted, GiB")
    axes.set_title(f"Predicted against measured; dashed: ±{BAND_PCT:.0f} %", fontsize=10)
    axes.grid(color="#dfe4e9", linewidth=0.6)
    axes.set_axisbelow(True)


def _histogram(axes: Axes, groups: Sequence[tuple[str, list[Answered]]]) -> None:
    edges = range(-SPREAD_PCT - 1, SPREAD_PCT + 2)
    outer = SPREAD_PCT + 0.5
    errors = [[min(max(_error(x), -outer), outer) for x in rows] for _, rows in groups]
    labels = [f"{name} ({len(rows)})" for name, rows in groups]
    if groups:
        axes.hist(errors, bins=edges, stacked=True, color=list(COLOURS[: len(groups)]), label=labels, rwidth=0.9)
        axes.legend(fontsize=8, frameon=False)
    for edge in (-BAND_PCT, BAND_PCT):
        axes.axvline(edge, color="#131d27", linewidth=0.6, linestyle="--")
    axes.set_xlim(edges[0], edges[-1])
    ticks = range(5 - SPREAD_PCT, SPREAD_PCT - 4, 5)
    ends = [f"< −{SPREAD_PCT}", *(str(t).replace("-", "−") for t in ticks), f"> {SPREAD_PCT}"]
    axes.set_xticks([-outer, *ticks, outer], ends)
    axes.set_xlabel("(predicted − measured) / measured, %; below zero is too low")
    axes.set_ylabel("rows")
    axes.set_title("How the errors are spread", fontsize=10)
    axes.grid(axis="y", color="#dfe4e9", linewidth=0.6)
    axes.set_axisbelow(True)


def _gib(one: Answered) -> tuple[float, float]:
    assert isinstance(one.answer, Predicted)
    assert one.measured
    return one.measured / GIB, one.answer.expected / GIB


def _error(one: Answered) -> float:
    assert one.error_pct is not None
    return one.error_pct
