"""`plimsoll why`: why a run ran out of memory, from its error, its traceback or its command line. Starts nothing."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from app.cli import output, plan_source
from app.cli.exits import Exit, WrongUseError, of_verdict
from app.cli.read_text import read_text
from app.this_computer import this_machine
from planner.estimate_json import estimate_to_json
from planner.presets import preset_names
from planner.why.explain import Explanation, explain

HELP = "why a run ran out of memory: its ledger, the moment, the smallest change"
MOST_BYTES = 64 * 1024**2
TOO_LONG = "Give the error with its traceback: the last few hundred lines."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="the error, its traceback, the command, or all of them; - or nothing: from standard input",
    )
    parser.add_argument("--plan", metavar="PLAN", help="the plan that ran, for a text without a command line")
    parser.add_argument("--preset", metavar="NAME", help=f"or a preset: {', '.join(preset_names())}")
    parser.add_argument("--set", action="append", default=[], dest="changes", metavar="WHAT=VALUE", help="change it")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")


def run(given: argparse.Namespace) -> Exit:
    open_plan = plan_source.plan_from(given) if given.plan or given.preset or given.changes else None
    here = this_machine() if open_plan is None else open_plan.machine
    found = explain(read_text(given.file, MOST_BYTES, "why", TOO_LONG), open_plan, here)
    if found.problem is not None:
        raise WrongUseError(found.problem)
    if given.json:
        output.line(output.json_text(as_json(found), indent=2))
    else:
        for line in in_words(found):
            output.line(line)
    return of_verdict(found.estimate.verdict) if found.estimate is not None else Exit.CANNOT_TELL


def in_words(found: Explanation) -> list[str]:
    parts = [
        ("", found.happened),
        ("The ledger of that run:", found.ledger),
        ("Not in agreement:", found.disagrees),
        ("Not in these figures:", tuple(map(str, found.beside))),
        ("Missing:", found.missing),
        ("What would have fitted:", tuple(f"{c.title}. {c.detail}" for c in found.changes)),
    ]
    lines = [found.headline]
    for heading, sentences in parts:
        if sentences:
            lines += ["", *([heading] if heading else []), *(f"- {s}" for s in sentences)]
    return lines


def as_json(found: Explanation) -> dict[str, Any]:
    """Everything that is said, and the estimate as `plan --json` has it."""
    reading = asdict(found.reading) if found.reading else None
    return {
        "headline": found.headline,
        "error": reading,
        "moment": asdict(found.moment) if found.moment else None,
        "happened": list(found.happened),
        "plan_from": found.plan_from,
        "ledger": list(found.ledger),
        "disagrees": list(found.disagrees),
        "not_in_these_figures": [asdict(b) | {"words": str(b)} for b in found.beside],
        "missing": list(found.missing),
        "advice": [{"title": c.title, "detail": c.detail, "saves_bytes": int(c.saves_bytes)} for c in found.changes],
        "estimate": estimate_to_json(found.estimate) if found.estimate is not None else None,
    }
