"""What the window opens with: this computer's figures, and the plan a person left, or the first-run preset. Qt-free.

Runs off the GUI thread: it starts the probes and reads files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from app import recovery
from app.this_computer import fresh, this_machine
from planner.facts.counts import counts
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.plan_file import load_plan
from planner.presets import load_preset
from planner.problem import Problem, ProblemError

FIRST_RUN = "first-run"


@dataclass(frozen=True)
class Opened:
    """start: the preset on this computer, where "back to default" leads. plan: what is shown. left: the unsaved copy that
    it is of."""

    here: MachineFacts
    start: Plan
    plan: Plan
    path: Path | None = None
    left: recovery.Left | None = None
    problem: Problem | None = None


def opened(file: Path | None = None) -> Opened:
    """The plan of a file; else the one left unsaved; else the preset. A file that cannot be read leaves its Problem."""
    here = this_machine()
    start = load_preset(FIRST_RUN, here)
    if file is not None:
        try:
            return Opened(here, start, fresh(read_plan(file), here), file)
        except ProblemError as error:
            return Opened(here, start, start, problem=error.problem)
    unread = None
    if here.ram_total_bytes == 0:
        unread = Problem(
            "machine.unreadable",
            f"The memory of this computer could not be read. {' '.join(here.notes)}".strip(),
            "Figures of what is free are missing; plan for another machine, or open the window again.",
        )
    lefts, damaged = recovery.left_behind()
    problem = unread or damaged
    if lefts:
        newest = lefts[0]
        return Opened(here, start, fresh(newest.plan, here), newest.path, left=newest, problem=problem)
    return Opened(here, start, start, problem=problem)


def read_plan(file: Path) -> Plan:
    """The plan of a file. What is wrong with it names the file. Raises ProblemError."""
    try:
        plan = load_plan(file)
        counts(plan.data)  # here, off the GUI thread: there may be millions of rows, and the page asks at once
        return plan
    except ProblemError as error:
        problem = error.problem
        if file.name in problem.fact:
            raise
        raise ProblemError(replace(problem, fact=f"{file.name}: {problem.fact}")) from None
