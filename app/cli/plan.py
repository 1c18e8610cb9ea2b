"""`plimsoll plan`: what a plan needs, byte by byte, and whether it fits. Starts nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli import output, plan_source
from app.cli.exits import Exit, of_verdict
from planner.advise import Change, advise
from planner.calibration.apply import taught
from planner.calibration.correction import PROOF
from planner.estimate import Estimate, Verdict
from planner.estimate import estimate as estimate_of
from planner.estimate_json import estimate_to_json, line_to_json
from planner.evidence import of_plan
from planner.interval import causes_in_words
from planner.plan import Plan
from planner.plan_file import save_plan
from planner.room import with_the_room_left
from planner.slots import QUESTIONS
from planner.techniques import registry
from planner.units import words

HELP = "what a plan needs, byte by byte, and whether it fits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    plan_source.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--save", metavar="FILE", help="also write the plan to FILE")


def run(given: argparse.Namespace) -> Exit:
    plan = plan_source.plan_from(given)
    estimate = estimate_of(plan)
    if given.save:
        save_plan(plan, Path(given.save))
    changes = () if estimate.problems else advise(plan, estimate)
    room = with_the_room_left(plan, estimate)
    if given.json:
        advised = {"advice": [_as_json(c) for c in changes], "room": [_as_json(c) for c in room]}
        output.line(output.json_text(estimate_to_json(estimate) | advised, indent=2))
    else:
        for text in in_words(plan, estimate, changes, room):
            output.line(text)
    for found in estimate.problems:
        output.problem(found, as_json=given.json)
    return of_verdict(estimate.verdict)


def _as_json(change: Change) -> dict[str, object]:
    return {
        "title": change.title,
        "detail": change.detail,
        "saves_bytes": int(change.saves_bytes),
        "short": change.short,
        "verdict": change.verdict.value,
        "time_factor": change.time_factor,
        "time_source": change.time_source,
        "loses": change.loses,
    }


def in_words(plan: Plan, estimate: Estimate, changes: tuple[Change, ...], room: tuple[Change, ...] = ()) -> list[str]:
    return [
        *_plan(plan),
        "",
        estimate.reason,
        "",
        *(_tiers(estimate) if estimate.tiers else ()),
        *(_ledger(estimate) if estimate.lines else ()),
        *_advice("What would make it fit:" if estimate.verdict is Verdict.DOES_NOT_FIT else "For more room:", changes),
        *_advice("With the room left:", room),
    ]


def _plan(plan: Plan) -> list[str]:
    s = plan.stage.schedule
    rows = [
        ("Plan", plan.name),
        ("Model", f"{plan.model.name}, {plan.model.params:,} parameters"),
        ("Data", f"{plan.data.name}, {plan.data.rows:,} rows"),
        ("Machine", plan.machine.name),
        *(("", note) for note in plan.machine.notes),  # what could not be read changes what is planned
    ]
    for choice in plan.stage.choices:
        label = registry.technique(choice.slot, choice.technique).label
        rows.append((QUESTIONS[choice.slot], label))
    rows.append(("Batch", f"{s.micro_batch} rows × {s.grad_accumulation}, cut after {s.max_length:,} tokens"))
    return output.table(rows)


def _tiers(estimate: Estimate) -> list[str]:
    rows: list[tuple[str, ...]] = [("", "may take", "allocated", "reserved", "process", "low", "high", "fullest in")]
    for t in estimate.tiers:
        at = f"{t.peak_at.phase}, {t.peak_at.moment}" if t.peak_at else ""
        figures = (t.budget_bytes, t.allocated_bytes, t.reserved_bytes, t.process_bytes, t.low_bytes, t.high_bytes)
        rows.append((t.name, *(words(n) for n in figures), at))
    found = of_plan(estimate.plan)
    causes = causes_in_words(estimate.tiers[0].reserved.causes)
    proved = any(x.name == PROOF for x in estimate.tiers[0].reserved.causes)
    own = "A proof of this very plan was made on this computer." if proved else taught(estimate.plan)
    told = filter(None, [str(found) if found else "", own, causes])
    return [*output.table(rows, right=frozenset(range(1, 7))), *told, ""]


def _ledger(estimate: Estimate) -> list[str]:
    lines = sorted((x for x in estimate.lines if int(x.bytes)), key=lambda x: -int(x.bytes))
    rows = [("bytes", "what", "where", "when")]
    shown = [line_to_json(line, estimate) for line in lines]
    rows += [(words(x["bytes"]), x["what"], x["tier"], ", ".join(x["phases"])) for x in shown]
    head, *body = output.table(rows, right=frozenset({0}))
    under_what = " " * (max(len(row[0]) for row in rows) + 2)
    out = [head]
    for text, x in zip(body, shown, strict=True):
        out += [text, f"{under_what}{x['why']}"]
    return [*out, ""]


def _advice(heading: str, changes: tuple[Change, ...]) -> list[str]:
    if not changes:
        return []
    return [heading, *(f"- {c.title}. {c.detail}" for c in changes)]
