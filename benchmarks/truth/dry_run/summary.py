"""What the dry runs of published rows came to: figures, lines and a section of EXPERIMENTS.md. No torch, nothing traced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.truth.score import error_pct, percentile
from planner.units import words

NOTES = Path(__file__).resolve().parent / "notes.md"
GOALS = (
    ("median error", "median_abs_pct", 0.5),
    ("90th percentile", "p90_abs_pct", 2.0),
    ("worst", "worst_abs_pct", 5.0),
)
Cell = dict[str, Any]


def error(cell: Cell) -> float | None:
    """Signed, of reserved bytes; None for what was not traced."""
    return None if cell["untraceable"] else error_pct(cell["reserved"], cell["published"])


def figures(cells: Sequence[Cell]) -> dict[str, Any]:
    errors = [x for x in map(error, cells) if x is not None]
    sizes = [abs(x) for x in errors]
    formulas = [abs(error_pct(c["formulas"], c["published"])) for c in cells if error(c) is not None and c["formulas"]]
    return {
        "rows": len(cells),
        "traced": len(errors),
        "untraceable": len(cells) - len(errors),
        "median_abs_pct": round(median(sizes), 3) if sizes else None,
        "p90_abs_pct": round(percentile(sizes, 0.9), 3) if sizes else None,
        "worst_abs_pct": round(max(sizes), 3) if sizes else None,
        "median_pct": round(median(errors), 3) if errors else None,
        "within_2_pct": round(100 * sum(x <= 2 for x in sizes) / len(sizes), 1) if sizes else None,
        "formulas_median_abs_pct": round(median(formulas), 3) if formulas else None,
        "formulas_worst_abs_pct": round(max(formulas), 3) if formulas else None,
        "seconds": round(sum(c["seconds"] for c in cells), 1),
    }


def line(cell: Cell) -> str:
    """As it is printed while they run."""
    name = str(cell["id"])[:52]
    wrong = error(cell)
    if wrong is None:
        return f"{name:52} {cell['untraceable']}"
    return (
        f"{name:52} live {words(cell['allocated']):>9}, reserved {words(cell['reserved']):>9}, published "
        f"{words(cell['published']):>9}: {wrong:+6.2f} %  ({cell['seconds']:.0f} s)"
    )


def section(cells: Sequence[Cell]) -> Iterator[str]:
    """Of EXPERIMENTS.md; nothing where nothing was traced."""
    if not cells:
        return
    of = figures(cells)
    versions = sorted({f"{k} {v}" for c in cells for k, v in c["versions"].items()})
    yield "## Dry run: the same runs traced without a card"
    yield ""
    yield (
        f"{of['rows']} rows of PEFT's own comparison (Llama 3.2 3B, one card), each traced with PEFT itself over tensors that have sizes "
        "and no contents: the comparison's training loop is followed for three batches, the births and deaths of all "
        "tensors go through the model of the card's allocator, and the highest reserved bytes stand beside the published "
        "ones (of the whole process, without its context). The trace is given the row's fields and nothing else. The longest "
        "batch is the row's own, 685 tokens, which whoever collected the rows inferred from one of them (LoRA, rank 32); the two batches "
        "before it are quantiles of the one log-normal distribution that the longest sample and the comparison's mean of 210 tokens "
        "leave. Nothing else is fitted."
    )
    yield ""
    yield f"With {', '.join(versions)}; {of['seconds']:.0f} s in all, on one busy core. Each row's file in `results/dry_run` names its commit."
    yield ""
    yield "| what | goal | reached | |"
    yield "|---|---|---|---|"
    for words_, key, bound in GOALS:
        value = of[key]
        met = "no figure" if value is None else "yes" if value <= bound else "**missed**"
        yield f"| Traced rows: {words_} | ≤ {bound:g} % | {'–' if value is None else f'{value:.2f} %'} | {met} |"
    yield f"| Rows traced | | {of['traced']} of {of['rows']} | |"
    yield f"| The formulas on the same rows: median, worst | | {_pct(of['formulas_median_abs_pct'])}, {_pct(of['formulas_worst_abs_pct'])} | |"
    yield ""
    yield "| row | live | reserved | published | error | the formulas' error |"
    yield "|---|---|---|---|---|---|"
    for cell in sorted(cells, key=lambda c: (error(c) is None, -abs(error(c) or 0.0))):
        wrong = error(cell)
        formulas = "–" if not cell["formulas"] else f"{error_pct(cell['formulas'], cell['published']):+.2f} %"
        if wrong is None:
            yield f"| {cell['id']} | – | not traced | {words(cell['published'])} | – | {formulas} |"
        else:
            yield (
                f"| {cell['id']} | {words(cell['allocated'])} | {words(cell['reserved'])} | {words(cell['published'])} "
                f"| {wrong:+.2f} % | {formulas} |"
            )
    yield ""
    reasons = sorted({c["untraceable"] for c in cells if c["untraceable"]})
    if reasons:
        yield "Not traced:"
        yield ""
        for why in reasons:
            yield f"- {why} ({sum(c['untraceable'] == why for c in cells)})"
        yield ""
    yield NOTES.read_text(encoding="utf-8").strip()
    yield ""


def _pct(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} %"
