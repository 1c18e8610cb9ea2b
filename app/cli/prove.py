"""`plimsoll prove`: two real steps on the batch that needs most and one evaluation batch, then everything is freed.

What was seen narrows the plan's band from then on. Nothing is saved but the proof itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from app import calibrating
from app.cli import output, plan_source
from app.cli.exits import Exit, of_verdict
from app.cli.follow import follow
from planner.estimate import estimate
from planner.plan_file import save_spec
from planner.problem import ProblemError
from planner.run import home, layout, start
from planner.run.build import run_spec
from planner.run.folders import new_work_dir, sweep_work
from planner.run.results import PROOF

HELP = "make two real steps on the longest rows, measure, and free everything"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    plan_source.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="the proof's events, one JSON object a line")
    parser.add_argument("--anyway", action="store_true", help="try although it may not fit")


def run(given: argparse.Namespace) -> Exit:
    plan = plan_source.plan_from(given, run_in=home.home())
    prediction = estimate(plan)
    code = of_verdict(prediction.verdict)
    if code is not Exit.OK and not given.anyway:
        output.remark(prediction.reason)
        output.remark("Nothing was started. `plimsoll plan` says what would help; --anyway tries it.")
        return code
    run_spec(plan, prediction, Path(), job="prove")  # what cannot be proved leaves no folder behind
    if problem := start.missing_train_extra():
        raise ProblemError(problem)
    sweep_work()
    folder = new_work_dir("prove")
    save_spec(run_spec(plan, prediction, folder, job="prove"), folder / layout.SPEC)
    output.remark(prediction.reason)
    start.start(folder)
    output.remark(f"The proof's folder, kept for a day: {folder}")
    code = follow(folder, 0, as_json=given.json, saves=False)
    if code is Exit.OK and not (folder / PROOF).is_file():
        return Exit.FAILED  # stopped: it has said so
    if code is Exit.OK:
        for text in calibrating.told(folder):
            output.remark(text)
    return code
