"""Which plan a verb works on: a plan file or a preset, changed by `--set`, with today's figures of this computer."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from app.cli.exits import WrongUseError, wrong_use
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.plan_file import load_plan, load_spec
from planner.plan_set import apply_set, with_model
from planner.presets import EMBEDDED, embedded_model, load_preset, preset_names, read_preset
from planner.probe import machine as probe
from planner.problem import ProblemError
from planner.run import layout
from planner.run.spec import RunSpec

TRIES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
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


def this_machine(run_in: Path | None) -> MachineFacts:
    """This computer now. A probe cut off on a busy machine is asked again: unknown memory is not no memory."""
    found = probe(run_in)
    for _ in range(TRIES - 1):
        if found.ram_total_bytes and found.disk_free_bytes:
            break
        found = probe(run_in)
    return found


def _plan_from(given: argparse.Namespace, run_in: Path | None) -> Plan:
    if given.plan and given.preset:
        raise wrong_use("cli.two_plans", "A plan file and a preset were given.", "Give one of them.")
    if given.plan:
        plan = _fresh(load_plan(Path(given.plan)), run_in)
    elif given.preset:
        assumed = read_preset(given.preset).machine
        plan = load_preset(given.preset, assumed or this_machine(run_in))
        plan = replace(plan, machine=this_machine(run_in)) if assumed and run_in else plan
    else:
        raise wrong_use("cli.no_plan", "No plan was named.", "Give a plan file, or --preset first-run.")
    for change in given.changes:
        plan = apply_set(plan, change)
    return plan


def _fresh(plan: Plan, run_in: Path | None) -> Plan:
    """Free memory in a file is as old as the file; a plan for this very computer takes today's figures."""
    now = this_machine(run_in)
    if run_in or _same_computer(plan.machine, now):
        plan = replace(plan, machine=now)
    if plan.model.source == EMBEDDED and not plan.model.path:  # saved before the model was fetched
        plan = with_model(plan, embedded_model())
    return plan


def _same_computer(a: MachineFacts, b: MachineFacts) -> bool:
    return (a.name, a.os, a.cpu, a.ram_total_bytes) == (b.name, b.os, b.cpu, b.ram_total_bytes)
