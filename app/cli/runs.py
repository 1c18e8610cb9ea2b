"""`plimsoll runs`: every run of this computer with its state and figures; one of them told; several beside each other.

It reads folders and changes nothing. What stands here is what the Runs page of the window shows.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.cli import output
from app.cli.exits import Exit, wrong_use
from app.pages.runs import curves
from app.pages.runs.differing import Line, differences, differing_words, outcomes
from app.pages.runs.state import RunsState
from app.pages.runs.telling import facts_words, outcome_words
from app.pages.runs.words import COLUMNS, HEADINGS, MEANINGS, cells, state_words
from planner.run import layout
from planner.run.disk_use import count, with_disk
from planner.run.library import RunSummary, look, summary
from planner.run.summary import facts_of

HELP = "every run of this computer: list, search, show one, compare several"
DOING = ("list", "show", "compare")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("do", nargs="?", default="list", choices=DOING, help="what to do; without it: list")
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help="show, compare: a run's folder or name, or how it begins"
    )
    parser.add_argument(
        "--search",
        default="",
        metavar="WORDS",
        help="list: only runs in whose name, model, method, state or tags they are",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(given: argparse.Namespace) -> Exit:
    library = look()
    uses = count(library, {})
    state = RunsState()
    state.take(with_disk(library, uses), uses)
    state.ask(search=given.search)
    if given.do == "list":
        if given.runs:
            raise wrong_use("cli.no_such_verb", "A list takes no runs.", "Use show or compare, or --search WORDS.")
        _list(state, as_json=given.json)
        return Exit.OK
    chosen = [named(text, state.runs) for text in given.runs]
    if given.do == "show":
        if len(chosen) != 1:
            raise wrong_use("cli.no_run", "It was not said which run.", "Name one: plimsoll runs show RUN.")
        _show(chosen[0], as_json=given.json)
    else:
        if len(chosen) < 2:
            raise wrong_use("cli.no_run", "There is nothing to compare.", "Name two runs or more.")
        _compare(chosen, as_json=given.json)
    return Exit.OK


def named(text: str, runs: Sequence[RunSummary]) -> RunSummary:
    """The run whose folder or name this is, or the only one that begins so. Raises WrongUseError `cli.no_run`."""
    folder = text.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    same = [one for one in runs if folder == one.key or text == one.name]
    begins = [one for one in runs if text and (one.key.startswith(text) or one.name.startswith(text))]
    found = same or begins
    if len(found) == 1:
        return found[0]
    if not found:
        if elsewhere := _elsewhere(text):
            return elsewhere
        raise wrong_use(
            "cli.no_run", f"There is no run {text!r}.", "`plimsoll runs` lists them; name one elsewhere by its folder."
        )
    some = ", ".join(one.key for one in found[:5])
    raise wrong_use("cli.which_run", f"{text!r} may be any of {len(found)} runs: {some}.", "Give the folder's name.")


def _elsewhere(text: str) -> RunSummary | None:
    """The run in a folder that --out put beside none of the others."""
    if not text or "\0" in text:
        return None
    folder = Path(text).absolute()
    return summary(folder, facts_of(folder)) if (folder / layout.SPEC).is_file() else None


def to_json(one: RunSummary) -> dict[str, Any]:
    fields = {f.name: getattr(one, f.name) for f in dataclasses.fields(one)}
    return {**fields, "run_dir": str(one.run_dir), "state": one.state.value, "miss": one.miss}


def _list(state: RunsState, *, as_json: bool) -> None:
    if as_json:
        output.line(output.json_text({"runs": [to_json(one) for one in state.shown]}))
        return
    output.line(state.sentence())
    if state.shown:
        right = frozenset(i + 1 for i, (_heading, _said, _order, is_figures) in enumerate(COLUMNS) if is_figures)
        rows = [("Folder", *HEADINGS), *((one.key, *cells(one)) for one in state.shown)]
        for line in output.table(rows, right):
            output.line(line)


def _show(one: RunSummary, *, as_json: bool) -> None:
    if as_json:
        output.line(output.json_text({"run": to_json(one)}))
        return
    known = curves.read([one], {})[one.key]
    output.line(f"{one.name}  ({one.key})")
    output.line(f"{state_words(one)}: {MEANINGS[one.state]}")
    for text in (outcome_words(one, known), facts_words(one, known), f"Tags: {', '.join(one.tags)}", one.note):
        if text and text != "Tags: ":
            output.line(text)


def _compare(chosen: Sequence[RunSummary], *, as_json: bool) -> None:
    read = curves.read(chosen, {})
    plans = [read[one.key].plan for one in chosen]
    found = differences(plans)
    if as_json:
        settings = {line.what: list(line.values) for line in found}
        output.line(output.json_text({"runs": [to_json(one) for one in chosen], "settings_that_differ": settings}))
        return
    lines = [Line("", tuple(one.key for one in chosen)), *outcomes(chosen), *found]
    for text in output.table([(line.what, *line.values) for line in lines]):
        output.line(text)
    output.line(differing_words(found, len(chosen), sum(plan is None for plan in plans)))
