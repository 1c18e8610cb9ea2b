"""`plimsoll dry-run`: the exact plan traced without contents, weights or card, and what the formulas say beside it.

A worker does it in seconds to minutes; its folder is removed when the result is read. The exit code says whether a dry
run was possible, not whether the plan fits.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

from app.cli import output, plan_source
from app.cli.exits import Exit
from app.cli.followed import followed
from planner import strict_json
from planner.estimate import estimate
from planner.ledger import MOMENTS
from planner.plan_file import save_spec
from planner.problem import ProblemError
from planner.run import layout, lock, start
from planner.run.build import run_spec
from planner.run.events import Phase
from planner.run.folders import new_work_dir, sweep_work
from planner.run.results import DRY_RUN, DryRun, load
from planner.units import words

HELP = "trace the plan's steps without weights and without a card"
TENSORS_SHOWN = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    plan_source.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="the result as one JSON object")


def run(given: argparse.Namespace) -> Exit:
    plan = plan_source.plan_from(given)
    prediction = estimate(plan)
    if problem := start.missing_train_extra():
        raise ProblemError(problem)
    sweep_work()
    folder = new_work_dir("dry_run")
    try:
        save_spec(run_spec(plan, prediction, folder, elsewhere=True, job="dry_run"), folder / layout.SPEC)
        start.start(folder)
        if not _ended_well(folder):
            return Exit.FAILED
        result = load(DryRun, folder / DRY_RUN)
    finally:
        if not lock.is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)
    if given.json:
        output.line(output.json_text(strict_json.plain(result), indent=2))
    else:
        for text in in_words(result):
            output.line(text)
    return Exit.CANNOT_TELL if result.untraceable else Exit.OK


def _ended_well(folder: Path) -> bool:
    """Wait for the worker's last word and tell its phases. Raises ProblemError when it failed."""
    told = ""

    def tell(event: Phase) -> None:
        nonlocal told
        if event.phase != told:
            told = event.phase
            output.remark(f"{event.phase}: {event.detail}" if event.detail else event.phase)

    word = followed(folder, tell, "Asked the dry run to stop.")
    if word.outcome != "done":
        output.remark(word.sentence)
    return word.outcome == "done"


def in_words(result: DryRun) -> Iterator[str]:
    """For a person: the figures, what was alive at the peak, and where the formulas say otherwise."""
    if result.untraceable:
        yield result.untraceable
        return
    yield f"{result.steps} steps of {result.rows} rows × {result.seq:,} tokens on {result.device}, traced in {result.seconds:.0f} s"
    rows = [("Live tensors at their peak", words(result.live_bytes), _at(result.phase, result.moment))]
    if result.smallest_bytes:
        rows += [
            ("Reserved by the allocator", words(result.reserved_bytes), "with room to spare, without the context"),
            ("With expandable segments", words(result.expandable_bytes), ""),
            ("Smallest capacity", words(result.smallest_bytes), "the least in which the same steps still go"),
        ]
    yield from output.table(rows, right=frozenset({1}))
    yield from ("", "Alive at the peak:")
    shown = [("bytes", "count", "line", "shape", "operation", "made in")]
    for x in result.tensors[:TENSORS_SHOWN]:
        shape = f"{x.dtype} " + "×".join(map(str, x.shape))
        shown.append((words(x.bytes * x.count), str(x.count), x.what, shape, x.operation or "(was there)", x.made))
    yield from output.table(shown, right=frozenset({0, 1}))
    yield ""
    yield from _moments(result)
    yield from _explained(result)
    yield from result.notes


def _at(phase: str, moment: str) -> str:
    return f"{phase}, {MOMENTS.get(moment, moment)}"


def _moments(result: DryRun) -> Iterator[str]:
    planned: dict[tuple[str, str], int] = {}
    for x in result.differences:
        planned[x.phase, x.moment] = planned.get((x.phase, x.moment), 0) + x.formula_bytes
    rows = [("moment", "formula", "traced", "off by")]
    for at in result.moments:
        said = planned.get((at.phase, at.moment))
        off = f"{100 * (said / at.bytes - 1):+.2f} %" if said and at.bytes else ""
        rows.append((_at(at.phase, at.moment), words(said) if said else "", words(at.bytes), off))
    yield from output.table(rows, right=frozenset({1, 2, 3}))
    yield ""


def _explained(result: DryRun) -> Iterator[str]:
    found = [x for x in result.differences if x.why]
    if not found:
        yield "No line differs from its formula by more than a hundredth of its moment."
        return
    yield "Lines that differ by more than a hundredth of their moment:"
    for x in found:
        yield f"- {_at(x.phase, x.moment)}, {x.what}: formula {words(x.formula_bytes)}, traced {words(x.traced_bytes)}. {x.why}"
