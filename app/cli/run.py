"""`plimsoll run`: starts a worker and shows what it reports. A thin front over the run's folder.

The worker outlives this command: closing the terminal ends the view, not the run. Ctrl-C asks it to stop and save.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from app import calibrating
from app.cli import output, plan_source
from app.cli.exits import Exit, given_dir, of_verdict, wrong_use
from app.cli.follow import follow
from app.this_computer import this_machine
from planner.estimate import Estimate, Verdict, estimate
from planner.plan_file import save_spec
from planner.problem import ProblemError
from planner.run import home, journal, keeper, layout, lock, queue, start
from planner.run.build import run_spec
from planner.run.events import Finished
from planner.run.folders import new_run_dir
from planner.schedule import MOST_STEPS

HELP = "start a plan and show what the run reports"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    plan_source.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="the run's events, one JSON object a line")
    parser.add_argument("--max-steps", type=_steps, metavar="N", help="stop after N optimizer steps")
    parser.add_argument("--out", metavar="DIR", help="a new folder for the run; without it one among the other runs")
    parser.add_argument("--anyway", action="store_true", help="start although it may not fit")
    parser.add_argument(
        "--overnight",
        action="store_true",
        help="leave it to itself: it is proved, waits its turn, goes on with less when memory runs out, and says what happened",
    )
    parser.add_argument("--resume", metavar="DIR", help="go on with the run in DIR from its last checkpoint")


def _steps(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MOST_STEPS):
        raise argparse.ArgumentTypeError(f"{text!r:.40} is not a number of steps")
    return int(text)


def run(given: argparse.Namespace) -> Exit:
    if given.resume is not None:
        return _resume(given)
    out = None if given.out is None else given_dir(given.out, "--out")
    plan = plan_source.plan_from(given, run_in=out or home.runs_dir())
    if given.max_steps is not None:
        plan = plan.with_schedule(replace(plan.stage.schedule, max_steps=given.max_steps))
    prediction = estimate(plan)
    if (refused := _refusal(prediction, anyway=given.anyway)) is not None:
        return refused
    run_spec(plan, prediction, Path())  # what cannot be run leaves no folder behind
    if problem := start.missing_train_extra():
        raise ProblemError(problem)
    run_dir = (out or new_run_dir(plan.name)).absolute()
    _make_room(run_dir)
    output.remark(prediction.reason)
    if given.overnight:
        return queued(prediction, run_dir, overnight=True, as_json=given.json)
    save_spec(run_spec(plan, prediction, run_dir), run_dir / layout.SPEC)
    return _begin(run_dir, 0, as_json=given.json)


def queued(prediction: Estimate, run_dir: Path, *, overnight: bool, as_json: bool) -> Exit:
    """Put a new run into the queue, and see to it that somebody looks after the queue."""
    queue.enqueue(prediction, overnight=overnight, run_dir=run_dir)
    keeper.ensure()
    if as_json:
        output.line(output.json_text({"run_dir": str(run_dir), "overnight": overnight}))
    else:
        output.line(f"The run's folder: {run_dir}")
        output.remark("It starts when its turn has come and its memory is free, also with this terminal closed.")
        output.remark("`plimsoll queue` shows what waits, and why.")
    return Exit.OK


def _resume(given: argparse.Namespace) -> Exit:
    if (
        given.plan
        or given.preset
        or given.changes
        or given.out is not None
        or given.max_steps is not None
        or given.overnight
    ):
        raise wrong_use(
            "cli.two_plans", "A run to resume and a plan were given.", "A run goes on as it was: --resume alone."
        )
    run_dir = given_dir(given.resume, "--resume")
    plan = plan_source.spec_of(run_dir).plan
    before = journal.read_all(run_dir, over=not lock.is_held(run_dir))
    word = journal.last_word(before.events)
    if isinstance(word, Finished) and word.outcome == "done":
        raise wrong_use("run.already_done", f"The run in {given.resume!r} is done.", "Its result is in its folder.")
    refused = _refusal(estimate(replace(plan, machine=this_machine(run_dir))), anyway=given.anyway)
    return refused if refused is not None else _begin(run_dir, before.offset, as_json=given.json)


def _refusal(prediction: Estimate, *, anyway: bool) -> Exit | None:
    """The exit code of a run that is not started because of its verdict; None when it may start."""
    code = of_verdict(prediction.verdict)
    if code is Exit.OK or anyway:
        return None
    output.remark(prediction.reason)
    what = "may not fit" if prediction.verdict is Verdict.DOES_NOT_FIT else "cannot be judged"
    output.remark(f"Nothing was started, since it {what}. `plimsoll plan` says what would help; --anyway starts it.")
    return code


def _make_room(run_dir: Path) -> None:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        empty = not any(run_dir.iterdir())
    except (OSError, ValueError) as error:
        raise wrong_use(
            "run.folder_unusable",
            f"{str(run_dir)!r} cannot be used: {getattr(error, 'strerror', None) or error}.",
            "Choose another folder with --out.",
        ) from None
    if not empty:
        raise wrong_use(
            "run.folder_in_use",
            f"{str(run_dir)!r} is not empty.",
            "Choose a new folder with --out, or go on with the run in it: --resume.",
        )


def _begin(run_dir: Path, offset: int, *, as_json: bool) -> Exit:
    start.start(run_dir)
    output.remark(f"The run's folder: {run_dir}")
    code = follow(run_dir, offset, as_json=as_json)
    if code is Exit.OK:
        for text in calibrating.told(run_dir):
            output.remark(text)
    return code
