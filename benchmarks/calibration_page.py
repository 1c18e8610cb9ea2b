"""The part of EXPERIMENTS.md that says how far runs of one computer lie from their prediction once a run has taught it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planner.calibration.correction import Correction
from planner.calibration.said import amount_in_words
from planner.units import words


def section(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        return
    cells, goal = found["cells"], found["goal_pct"]
    others = cells[1:]
    reached = found["worst_after_pct"] <= goal
    yield "## One run teaches a computer"
    yield ""
    yield (
        f"{len(cells)} real runs of the worker with the embedded model on a CPU ({found['processor']}), each another way to "
        f"train, three steps long. The first, *{found['teacher']}*, corrects this computer; the others are "
        "predicted before and after. Measured is the highest anonymous memory of the process. The table of what stands beside "
        "tensors was measured on the same computer, so *before* is what it leaves open here; on another computer only "
        "*after* speaks. The estimate is for the longest batch once the optimizer has its states, so each run has a seed "
        "with which that batch does not come in the first step alone."
    )
    yield ""
    yield f"Commit {found['commit']}, Python {found['python']}, {_versions(found['versions'])}."
    yield ""
    yield (
        f"Worst of {len(others)} before {found['worst_before_pct']:.2f} %, after {found['worst_after_pct']:.2f} % "
        f"(goal {goal:g} %: {'reached' if reached else '**missed**'}), mean after {found['mean_after_pct']:.2f} %; "
        f"{found['inside_after']} of {len(others)} lie inside the narrowed interval. Corrections: "
        f"{', '.join(_told(c['term'], c['amount']) for c in found['corrections'])}."
    )
    yield ""
    yield "| run | tensors | measured | predicted before | | after | | seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    for cell in cells:
        name = f"{cell['name']} (teaches)" if cell is cells[0] else cell["name"]
        figures = [words(cell[key]) for key in ("live_bytes", "measured_bytes", "before_bytes")]
        yield (
            f"| {name} | {' | '.join(figures)} | {cell['before_pct']:+.2f} % | {words(cell['after_bytes'])} "
            f"| {cell['after_pct']:+.2f} % | {cell['seconds']:.0f} |"
        )
    yield ""
    yield "Seconds are of a computer that did other things as well. `python -m benchmarks.calibration FOLDER` makes it anew."
    yield ""


def _told(term: str, amount: int) -> str:
    return amount_in_words(Correction(term, "", amount, amount, amount, ()))


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(
        f"{name} {versions[name]}" for name in ("torch", "transformers", "peft", "trl") if name in versions
    )
