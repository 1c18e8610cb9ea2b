"""EXPERIMENTS.md from the files in `results/`: tables and the sentences that say how to read them, nothing measured here.

Goals are those the benchmark was set; what a person knows about a miss is in `truth/missed.md` and is put in as it is.
`python -m benchmarks.experiments` writes the page anew from the results that there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import calibration_page
from benchmarks.provenance import ROOT, kept
from benchmarks.timing import page as timing_page
from benchmarks.truth.dry_run import cells, summary
from planner.units import words

MISSED = Path(__file__).resolve().parent / "truth" / "missed.md"
PICTURE = "docs/truth-errors.svg"


class Goal(NamedTuple):
    """figure: of the results, by path. most: True where the figure should not exceed the bound."""

    words: str
    path: tuple[str, ...]
    bound: float
    most: bool = True
    unit: str = "%"


GOALS = (
    Goal("Training, confidence high: median error", ("training_high", "median_abs_pct"), 2),
    Goal("Training, confidence high: 90th percentile", ("training_high", "p90_abs_pct"), 8),
    Goal("Training, confidence high: more than 5 % too low", ("training_high", "under5_pct"), 3),
    Goal("All scored rows: median error", ("median_abs_pct",), 3),
    Goal("All scored rows: 90th percentile", ("p90_abs_pct",), 10),
    Goal("Mean over sources of the median", ("macro_median_pct",), 4),
    Goal("Scored rows predicted", ("predicted_pct",), 90, most=False),
    Goal("Rows inside the interval", ("interval_coverage_pct",), 90, most=False),
    Goal("Median width of the interval, share of the figure", ("interval_median_width",), 0.20, unit=""),
    Goal("Cannot tell", ("cannot_tell_pct",), 10),
    Goal("T4 rows: allocated, mean error", ("t4", "readings", "allocated_bytes", "mean_abs_pct"), 1),
    Goal("T4 rows: allocated, worst", ("t4", "readings", "allocated_bytes", "worst_abs_pct"), 3),
    Goal("T4 rows: process, mean error", ("t4", "readings", "process_bytes", "mean_abs_pct"), 4),
    Goal("T4 rows: outcomes on the card on the right side", ("t4", "boundary_right_pct"), 100, most=False),
    Goal("All rows of the file, seconds", ("cold_seconds",), 1, unit="s"),
)  # fmt: skip


def text(truth: dict[str, Any], others: dict[str, Any] | None) -> str:
    taught = calibration_page.section(kept("calibration.json"))
    timed = timing_page.section(kept("timing.json"))
    dry = summary.section(cells.kept())
    parts = (_truth(truth), _worst(truth), _missed(), dry, taught, timed, _others(others), _again())
    return "\n".join(line for part in parts for line in part) + "\n"


def _truth(truth: dict[str, Any]) -> Iterator[str]:
    yield "# Experiments"
    yield ""
    yield "Written by `python -m benchmarks.report` from `benchmarks/results/*.json`; change those, not this page."
    yield ""
    yield "## Truth: memory that other people measured and published"
    yield ""
    yield (
        f"{truth['total_rows']} published rows were predicted with the product's own formulas, and the "
        f"{truth['rows']} of them that can be judged were scored: one GPU, a known run, a trustworthy figure. No row was "
        "measured by this project. A prediction sees what was run and nothing else: no name, no source, no versions, no "
        "figure of the answer."
    )
    yield ""
    yield _made_of(truth)
    yield ""
    yield f"![Predicted against measured, and the spread of the errors, by source]({PICTURE})"
    yield ""
    yield "| what | goal | reached | |"
    yield "|---|---|---|---|"
    for goal in GOALS:
        yield _goal(goal, truth)
    yield ""
    yield "| source | rows | predicted | median error | 90th pct. | worst | signed | > 5 % too low | in interval | width |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, of in sorted(truth["by_source"].items(), key=lambda kv: -kv[1]["rows"]):
        yield _line(name, of)
    yield _line("**all scored rows**", truth)
    yield _line("**training, confidence high**", truth["training_high"])
    yield ""
    yield (
        "Errors are |predicted − measured| / measured, the 90th percentile is linear between ranks, *signed* is the "
        "median with its sign, *width* the median of (high − low) / expected. A source is a repository, package or page. "
        f"{truth['doubtful_gb']['rows']} rows say GB and may mean 10⁹ or 2³⁰ bytes; they are scored as 10⁹ "
        f"(median {_pct(truth['doubtful_gb']['median_abs_pct'])}), read the other way it would be "
        f"{_pct(truth['doubtful_gb']['median_abs_pct_other_reading'])}."
    )
    yield ""
    yield "### Other readings of the same runs"
    yield ""
    yield "| reading | rows | mean error | worst | signed mean |"
    yield "|---|---|---|---|---|"
    for name, of in truth["readings"].items():
        yield (
            f"| {name.removesuffix('_bytes').replace('_', ' ')} | {of['rows']} | {_pct(of['mean_abs_pct'])} "
            f"| {_pct(of['worst_abs_pct'])} | {_pct(of['mean_pct'], signed=True)} |"
        )
    yield ""
    yield "### Outcomes"
    yield ""
    yield "Runs that died on a card, ran on one, or whose need is known from one side."
    yield ""
    yield "| outcome | rows | predicted | right by the expected figure | not contradicted by the interval |"
    yield "|---|---|---|---|---|"
    for kind, of in truth["boundary"].items():
        yield (
            f"| {OUTCOMES.get(kind, kind)} | {of['rows']} | {of['predicted']} | {of['expected_right']} "
            f"| {of['interval_right']} |"
        )
    yield ""
    yield "### What was fitted or measured, not derived"
    yield ""
    for one in truth["fitted"]:
        yield f"- `{one['where']}`: {_clipped(one['figures'])} — {_clipped(one['source'])}"
    yield ""


OUTCOMES = {
    "oom_on_bytes": "ran out of memory on a card",
    "at_most": "needed at most",
    "at_least": "needed at least",
    "ran": "ran on its card",
}


def _worst(truth: dict[str, Any]) -> Iterator[str]:
    yield "### The largest errors"
    yield ""
    yield "| row | error | predicted | measured | largest parts of the prediction |"
    yield "|---|---|---|---|---|"
    for one in truth["worst"]:
        parts = sorted(one["parts"].items(), key=lambda kv: -kv[1])[:4]
        yield (
            f"| {one['id']} | {_pct(one['error_pct'], signed=True)} | {words(one['expected'])} | {words(one['measured'])} "
            f"| {', '.join(f'{k} {words(v)}' for k, v in parts)} |"
        )
    yield ""
    if truth["refusals"]:
        yield "### Refused"
        yield ""
        yield "| rows | why |"
        yield "|---|---|"
        for why, rows in truth["refusals"].items():
            yield f"| {rows} | {_clipped(why)} |"
        yield ""


def _missed() -> Iterator[str]:
    if MISSED.is_file():
        yield MISSED.read_text(encoding="utf-8").strip()
        yield ""


def _others(others: dict[str, Any] | None) -> Iterator[str]:
    yield "## Other estimators beside ours"
    yield ""
    if not others or not others["tools"]:
        yield "None was installed when this page was written; `make other-estimators` makes their environments."
        yield ""
        return
    yield (
        "Each tool answered in its own environment, with its own code, the scored rows that its options can describe. "
        "What it would read from the network (a model's `config.json`, its parameter count, a checkpoint's header) was "
        "made from the table of shapes. Ours is scored on exactly the same rows."
    )
    yield ""
    yield _made_of(others)
    yield ""
    for name, tool in others["tools"].items():
        yield f"### {name} {tool['version']}"
        yield ""
        yield (
            f"Covers {tool['covers']}. It answered {tool['accepted']} of {tool['scored_rows']} scored rows; "
            f"{sum(tool['cannot_be_asked'].values())} cannot be put to it "
            f"({_reasons(tool['cannot_be_asked'])}), {sum(tool['refuses'].values())} it refuses"
            f"{' (' + _reasons(tool['refuses']) + ')' if tool['refuses'] else ''}."
        )
        yield ""
        yield "| rows | n | its median | ours | its 90th pct. | ours | its > 5 % too low | ours |"
        yield "|---|---|---|---|---|---|---|---|"
        groups = {"**all it answers**": tool["all_accepted"]}
        if tool["its_own_source"]:
            groups["rows it was calibrated on"] = tool["its_own_source"]
            groups["rows of others"] = tool["other_sources"]
        for group, both in {**groups, **tool["by_source"]}.items():
            if both:
                yield _beside(group, both)
        yield ""
        if "t4" in tool:
            yield from _t4(tool["t4"])


def _beside(group: str, both: dict[str, Any]) -> str:
    pairs = [
        f"{_pct(both['theirs'][k])} | {_pct(both['ours'][k])}" for k in ("median_abs_pct", "p90_abs_pct", "under5_pct")
    ]
    left_out = both["theirs"]["predicted"] - both["ours"]["predicted"]
    note = f" (ours refuses {left_out})" if left_out else ""
    return f"| {group} | {both['theirs']['predicted']}{note} | {' | '.join(pairs)} |"


def _t4(both: dict[str, Any]) -> Iterator[str]:
    yield "| T4 reading | n | its mean | ours | its worst | ours |"
    yield "|---|---|---|---|---|---|"
    for name, of in both["theirs"]["readings"].items():
        ours = both["ours"]["readings"].get(name, {})
        yield (
            f"| {name.removesuffix('_bytes')} | {of['rows']} | {_pct(of['mean_abs_pct'])} "
            f"| {_pct(ours.get('mean_abs_pct'))} | {_pct(of['worst_abs_pct'])} | {_pct(ours.get('worst_abs_pct'))} |"
        )
    yield ""


def _again() -> Iterator[str]:
    yield "## Again"
    yield ""
    yield (
        "`make truth ROWS=file` prints all of the first part for any file of the schema; `make other-estimators` and then "
        "`make experiments ROWS=file` make every figure, this page and its picture anew."
    )


def _made_of(found: dict[str, Any]) -> str:
    return (
        f"Commit {found['commit']}, Python {found['python']}, {found['seconds']} s, rows `{found['rows_file']}` "
        f"(sha256 {found['rows_sha256']}…)."
    )


def _goal(goal: Goal, truth: dict[str, Any]) -> str:
    value: Any = truth
    for key in goal.path:
        value = value.get(key) if isinstance(value, dict) else None
    sign = "≤" if goal.most else "≥"
    if value is None:
        return f"| {goal.words} | {sign} {goal.bound:g} {goal.unit} | – | no figure |"
    met = value <= goal.bound if goal.most else value >= goal.bound
    return f"| {goal.words} | {sign} {goal.bound:g} {goal.unit} | {value:.3g} {goal.unit} | {'yes' if met else '**missed**'} |"


def _line(name: str, of: dict[str, Any]) -> str:
    shown: list[str] = [
        _pct(of["median_abs_pct"]),
        _pct(of["p90_abs_pct"]),
        _pct(of["worst_abs_pct"]),
        _pct(of["median_pct"], signed=True),
        _pct(of["under5_pct"]),
        _pct(of["interval_coverage_pct"]),
        "–" if of["interval_median_width"] is None else f"{of['interval_median_width']:.3f}",
    ]
    return f"| {name} | {of['rows']} | {of['predicted']} | {' | '.join(shown)} |"


def _pct(value: float | None, signed: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:{'+' if signed else ''}.{2 if abs(value) < 10 else 1}f} %"


def _reasons(found: dict[str, int], most: int = 6) -> str:
    """The commonest, the rest as one number."""
    first = sorted(found.items(), key=lambda kv: -kv[1])
    rest = sum(rows for _, rows in first[most:])
    return "; ".join([f"{why}: {rows}" for why, rows in first[:most]] + ([f"others: {rest}"] if rest else []))


def _clipped(value: str, most: int = 400) -> str:
    flat: str = " ".join(value.split()).replace("|", "\\|")
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def main() -> None:
    truth, others = (
        json.loads((ROOT / "benchmarks" / "results" / name).read_text(encoding="utf-8"))
        for name in ("truth.json", "estimators.json")
    )
    (ROOT / "EXPERIMENTS.md").write_text(text(truth, others), encoding="utf-8")


if __name__ == "__main__":
    main()
