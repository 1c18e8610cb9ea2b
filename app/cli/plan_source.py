"""Which plan a verb works on: a plan file or a preset, changed by `--set`, with today's figures of this computer."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from app.cli.convert_first import converted_first
from app.cli.count_first import counted_first
from app.cli.exits import WrongUseError, wrong_use
from app.this_computer import fresh, this_machine
from planner.plan import Plan
from planner.plan_file import load_plan, load_spec
from planner.plan_set import apply_all
from planner.presets import load_preset, preset_names, read_preset
from planner.problem import ProblemError
from planner.run import layout
from planner.run.spec import RunSpec


def add_arguments(parser: argparse.ArgumentParser, *, positional: bool = True) -> None:
    """positional: False for a verb whose own argument may be a plan file."""
    if positional:
        parser.add_argument("plan", nargs="?", metavar="PLAN", help="a plan file (JSON)")
    parser.add_argument("--preset", metavar="NAME", help=f"a plan to start from: {', '.join(preset_names())}")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="changes",
        metavar="WHAT=VALUE",
        help="change the plan: trainable.rank=16, trainable=full, schedule.micro_batch=2, model=FOLDER, data=FILE",
    )


def plan_from(given: argparse.Namespace, *, run_in: Path | None = None) -> Plan:
    """The plan of the arguments. run_in: it is to be run in this folder, so it is for this computer and that disk.

    Raises WrongUseError: `cli.no_plan`, `cli.two_plans`, and the problems of plan files, presets and `--set`.
    """
    try:
        return _plan_from(given, run_in)
    except ProblemError as error:
        raise WrongUseError(error.problem) from None


def spec_of(run_dir: Path) -> RunSpec:
    """What the run in a folder was asked to do. Raises WrongUseError: `run.no_spec`, and those of damaged files."""
    try:
        return load_spec(run_dir / layout.SPEC)
    except ProblemError as error:
        if error.problem.code == "plan.not_found":
            raise wrong_use("run.no_spec", f"There is no run in {str(run_dir)!r}.", "Give a run's folder.") from None
        raise WrongUseError(error.problem) from None


def _plan_from(given: argparse.Namespace, run_in: Path | None) -> Plan:
    if given.plan and given.preset:
        raise wrong_use("cli.two_plans", "A plan file and a preset were given.", "Give one of them.")
    if given.plan:
        plan = fresh(load_plan(Path(given.plan)), this_machine(run_in), run_here=run_in is not None)
    elif given.preset:
        assumed = read_preset(given.preset).machine
        plan = load_preset(given.preset, assumed or this_machine(run_in))
        plan = replace(plan, machine=this_machine(run_in)) if assumed and run_in else plan
    else:
        raise wrong_use("cli.no_plan", "No plan was named.", "Give a plan file, or --preset first-run.")
    plan = apply_all(plan, given.changes)
    return plan if run_in is None else counted_first(converted_first(plan))
