"""`plimsoll queue`: the runs that wait for their turn and their memory, and why; add, move, hold and remove them.

Whoever looks at the queue also sees to it that somebody looks after it, so after a restart of the computer this command,
or the window, is all it takes to go on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from app.cli import output, plan_source
from app.cli.exits import Exit, given_dir, of_verdict, wrong_use
from planner.estimate import estimate
from planner.problem import ProblemError
from planner.run import home, journal, keeper, overnight, queue, start
from planner.run.arguments import computing_device
from planner.run.build import run_spec
from planner.run.events import Finished
from planner.run.folders import new_run_dir
from planner.run.queue import Queued
from planner.units import words

HELP = "the runs that wait: list, add, move, hold, go or remove"
DOING = ("list", "add", "move", "hold", "go", "remove")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("do", nargs="?", default="list", choices=DOING, help="what to do; without it: list")
    parser.add_argument(
        "run", nargs="?", metavar="WHAT", help="add: a plan file; else a run by its place, name or folder"
    )
    parser.add_argument("--to", type=int, metavar="N", help="move: the new place, 1 for the first")
    plan_source.add_arguments(parser, positional=False)
    parser.add_argument(
        "--run-dir", metavar="DIR", help="add: a run that is there already, to go on when its turn comes"
    )
    parser.add_argument("--overnight", action="store_true", help="add: leave it to itself")
    parser.add_argument("--anyway", action="store_true", help="add although it may not fit")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(given: argparse.Namespace) -> Exit:
    match given.do:
        case "add":
            return _add(given)
        case "move":
            if given.to is None or given.to < 1:
                raise wrong_use("cli.no_place", "It was not said where to.", "Give a place: --to 1.")
            queue.reorder(_named(given), given.to - 1)
        case "hold" | "go":
            queue.hold(_named(given), given.do == "hold")
        case "remove":
            queue.leave_queue(_named(given))
        case _ if given.run:
            raise wrong_use(
                "cli.no_such_verb", "A list takes no run.", "Say what to do with it: hold, go, move, remove."
            )
    keeper.ensure()
    _show(queue.waiting(), as_json=given.json)
    return Exit.OK


def _named(given: argparse.Namespace) -> Path:
    """The run that is meant: by its place, its folder, or its folder's name."""
    entries = queue.waiting()
    text = given.run or ""
    if not text:
        raise wrong_use(
            "cli.no_run", "It was not said which run.", "Name one by its place: `plimsoll queue` lists them."
        )
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= len(entries):
        return entries[int(text) - 1].run_dir
    for entry in entries:
        if text in (entry.run_dir.name, str(entry.run_dir)) or entry.run_dir == Path(text).absolute():
            return entry.run_dir
    raise wrong_use("queue.not_waiting", f"{text!r} is not in the queue.", "`plimsoll queue` lists what is, by number.")


def _add(given: argparse.Namespace) -> Exit:
    if problem := start.missing_train_extra():
        raise ProblemError(problem)
    if given.run_dir is not None:
        run_dir = given_dir(given.run_dir, "--run-dir").absolute()
        plan = plan_source.spec_of(run_dir).plan
        word = journal.last_event(run_dir)
        if isinstance(word, Finished) and word.outcome == "done":
            raise wrong_use(
                "run.already_done", f"The run in {given.run_dir!r} is done.", "Its result is in its folder."
            )
        if given.run or given.preset or given.changes:
            raise wrong_use(
                "cli.two_plans", "A run and a plan were given.", "A run goes on as it was: --run-dir alone."
            )
        need = queue.need_of(estimate(plan))
        if given.overnight:
            overnight.forget(run_dir)
        queue.add(Queued(run_dir, need, computing_device(plan).id, given.overnight, added=time.time()))
    else:
        given.plan = given.run
        plan = plan_source.plan_from(given, run_in=home.runs_dir())
        prediction = estimate(plan)
        code = of_verdict(prediction.verdict)
        if code is not Exit.OK and not given.anyway:
            output.remark(prediction.reason)
            output.remark("Nothing was queued. `plimsoll plan` says what would help; --anyway queues it.")
            return code
        run_spec(plan, prediction, Path())  # what cannot be run leaves no folder behind
        run_dir = queue.enqueue(prediction, overnight=given.overnight, run_dir=new_run_dir(plan.name))
    keeper.ensure()
    _show(queue.waiting(), as_json=given.json)
    return Exit.OK


def _show(entries: tuple[Queued, ...], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "run_dir": str(e.run_dir),
                "need_bytes": e.need_bytes,
                "device": e.device,
                "overnight": e.overnight,
                "held": e.held,
                "said": e.said,
            }
            for e in entries
        ]
        output.line(output.json_text({"waiting": rows, "watched": [str(p) for p in queue.watched()]}))
        return
    if problem := queue.keeper_says().problem:
        output.remark(f"What starts them met a problem: {problem.strip().splitlines()[-1]}")
    if not entries:
        output.line("Nothing waits.")
        return
    for place, entry in enumerate(entries, 1):
        need = (
            f"starts when {words(entry.need_bytes)} are free"
            if entry.need_bytes
            else "starts when no other run goes on"
        )
        marks = "".join((" · overnight" if entry.overnight else "", " · held" if entry.held else ""))
        output.line(f"{place}  {entry.run_dir.name}  {need}{marks}")
        if entry.said and not entry.held:
            output.line(f"   {entry.said}")
