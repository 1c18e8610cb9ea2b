"""`plimsoll data FILE`: how a file of rows is read, what is wrong with it, and what cutting its rows at a length costs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from app.cli import output, plan_source
from app.cli.exits import Exit, wrong_use
from planner import strict_json
from planner.cut_costs import CutCost, cut_costs
from planner.facts.checks import Checks, check
from planner.facts.data import DataFacts
from planner.facts.mapping import mapping_of
from planner.facts.mapping import words as mapping_words
from planner.facts.read_data import DataProblemError, read_data
from planner.facts.split import held_out
from planner.plan import Plan
from planner.problem import ProblemError
from planner.units import words

HELP = "how a file of rows is read, its faults and doubles, and what cutting it costs"
PRESET = "first-run"
FORMATS = {"jsonl": "JSONL", "json": "JSON", "csv": "CSV", "parquet": "Parquet", "datasets": "datasets folder"}
TOLD = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="JSONL, JSON, CSV, Parquet, plain text, or a folder of `datasets`")
    parser.add_argument(
        "--map",
        nargs="+",
        action="extend",
        default=[],
        dest="map_columns",
        metavar="ROLE=COLUMN",
        help="which column is what: prompt=question completion=answer; guessed otherwise",
    )
    parser.add_argument("--plan", metavar="PLAN", help="the plan (a file) whose model counts and whose length cuts")
    parser.add_argument("--preset", metavar="NAME", help=f"a preset in its place; {PRESET} where neither is given")
    parser.add_argument(
        "--set", action="append", default=[], dest="changes", metavar="WHAT=VALUE", help="change the plan"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")


def run(given: argparse.Namespace) -> Exit:
    if not given.plan and not given.preset:
        given.preset = PRESET
    plan = plan_source.plan_from(given)
    try:
        mapping = mapping_of(given.map_columns)
    except ProblemError as error:
        raise wrong_use(error.problem.code, error.problem.fact, error.problem.advice) from None
    try:
        data = read_data(given.file, plan.model, mapping=mapping)
    except DataProblemError as error:
        return _faulty(error, as_json=given.json)
    plan = replace(plan, data=data)
    schedule = plan.stage.schedule
    checks = check(data.path, data.mapping, frozenset(held_out(data.rows, schedule)))
    costs = cut_costs(plan)
    if given.json:
        output.line(output.json_text(to_json(data, checks, costs), indent=2))
    else:
        for text in in_words(plan, checks, costs):
            output.line(text)
    return Exit.OK


def _faulty(error: DataProblemError, *, as_json: bool) -> Exit:
    if as_json:
        output.remark(output.json_text({"problems": [p.to_json() for p in error.problems]}))
        return Exit.FAILED
    for found in error.problems:
        output.remark(found.fact)
    output.remark(f"{error.problem.advice}  [{error.problem.code}]")
    return Exit.FAILED


def to_json(data: DataFacts, checks: Checks, costs: tuple[CutCost, ...]) -> dict[str, Any]:
    """Everything but the lengths themselves."""
    facts: dict[str, Any] = strict_json.plain(replace(data, lengths=(), prompt_lengths=()))
    tokens = {"shortest": min(data.lengths), "longest": max(data.lengths), "all": sum(data.lengths)}
    return facts | {"tokens": tokens, "checks": strict_json.plain(checks), "cuts": strict_json.plain(costs)}


def in_words(plan: Plan, checks: Checks, costs: tuple[CutCost, ...]) -> list[str]:
    data = plan.data
    ordered = sorted(data.lengths)
    counted = "counted" if data.lengths_from == "counted" else "estimated from the size of the text"
    kind = FORMATS.get(data.file_format, "plain text")
    return [
        f"{data.name} · {kind} · {data.rows:,} rows · {words(data.size_bytes)}",
        f"Read as {mapping_words(data.mapping)}",
        *(f"Note: {note}" for note in data.notes),
        "",
        *_checked(checks),
        "",
        f"Tokens a row, {counted}: {ordered[0]:,} to {ordered[-1]:,}, half of the rows to {ordered[len(ordered) // 2]:,};"
        f" {sum(ordered):,} in all.",
        "",
        *output.table(
            [("cut at", "rows cut", "tokens lost", "needs", ""), *map(_row, costs)], right=frozenset(range(4))
        ),
    ]


def _row(cost: CutCost) -> tuple[str, ...]:
    c = cost.cut
    needs = "cannot tell" if cost.peak_bytes is None else words(cost.peak_bytes)
    remarks = ["the plan's"] if cost.plan else []
    remarks += [f"dropped for want of an answer: {c.rows_dropped:,}"] if c.rows_dropped else []
    rows, lost = f"{c.rows_cut:,} ({c.rows_share:.1%})", f"{c.tokens_cut:,} ({c.tokens_share:.1%})"
    return (f"{c.length:,}", rows, lost, needs, ", ".join(remarks))


def _checked(checks: Checks) -> list[str]:
    lines = []
    if checks.n_duplicates:
        pairs = ", ".join(f"{row:,} is {same:,}" for row, same in checks.duplicates[:TOLD])
        lines.append(f"Rows that are there twice: {checks.n_duplicates:,} ({pairs}{_more(checks.n_duplicates)}).")
    if checks.n_leaked:
        pairs = ", ".join(f"{row:,} is {same:,}" for row, same in checks.leaked[:TOLD])
        lines.append(
            f"Held-out rows that are trained on as well: {checks.n_leaked:,} ({pairs}{_more(checks.n_leaked)})."
        )
    if checks.n_contradicting:
        lines.append(f"Questions that have more than one answer: {checks.n_contradicting:,}.")
    if checks.n_empty_answers:
        lines.append(f"Answers of blanks only: {checks.n_empty_answers:,}.")
    return lines or ["No row is there twice, and no question has two answers."]


def _more(n: int) -> str:
    return " and more" if n > TOLD else ""
