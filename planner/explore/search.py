"""Exploring: what every plan of a space needs, in well under a second.

Plans are looked at in the order in which they share most: the drafts and the sums of lines are kept for every beginning
of a combination, one draft serves all batches and lengths, and what is left is done for all plans at once. Every figure
equals what `planner.estimate` says of the plan alone.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from planner.calibration import apply
from planner.calibration.fingerprint import device_name
from planner.drafting import device_of, plan_problems
from planner.estimate import cannot_tell_because
from planner.explore.columns_of import columns_of
from planner.explore.explored import Explored, Invalid
from planner.explore.leaves import Leaves
from planner.explore.shapes import Shapes
from planner.explore.space import Space, plan_of, space_of
from planner.plan import Plan, Stage
from planner.problem import Problem, ProblemError, fail


def explore(plan: Plan, space: Space | None = None) -> Explored:
    """Every plan of the space around `plan`. Raises ProblemError where there is nothing to tell: a model without
    formulas, a machine whose memory nobody could read, a plan of several stages.

    What a proof of one plan has shown is not looked at, so the figure of a plan that was proved has the usual band.
    """
    began = time.perf_counter()
    _refuse(plan)
    with _nothing_collected():
        return _explored(plan, space, began)


def _explored(plan: Plan, space: Space | None, began: float) -> Explored:
    space = space or space_of(plan)
    device = device_of(plan)
    assert device is not None
    learned = apply.learned(plan.machine.corrections, device_name(device)) if plan.machine.corrections else None
    shapes = Shapes(plan, space.grid)
    leaves = Leaves(plan, shapes)
    invalid: dict[Problem, Invalid] = {}
    anywhere = plan_of(plan, plan.stage.choices, space.grid[0])
    for number, structure in enumerate(space.structures):
        for rank, choices in structure.settings:
            problems = plan_problems(replace(anywhere, stages=(Stage(choices, anywhere.stage.schedule),)))
            if problems:
                before = invalid.get(problems[0])
                plans = len(space.grid) + (before.plans if before else 0)
                invalid[problems[0]] = Invalid(problems[0], plans, before.example if before else structure)
            else:
                leaves.add(number, rank, choices)
    columns = columns_of(plan, space, shapes, leaves, learned)
    budget, capacity = _room(plan)
    return Explored(
        space=space,
        **columns,
        place=device.name,
        budget_bytes=budget,
        capacity_bytes=capacity,
        invalid=tuple(sorted(invalid.values(), key=lambda x: -x.plans)),
        elapsed_s=time.perf_counter() - began,
    )


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What a search makes is in no cycles, and there is much of it to walk through in vain."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _room(plan: Plan) -> tuple[int, int]:
    """Bytes that the device that computes has for this run, and in all."""
    device = device_of(plan)
    assert device is not None
    if device.kind == "cpu":
        return plan.machine.host_free_bytes, plan.machine.host_total_bytes
    return device.free_bytes, device.total_bytes


def _refuse(plan: Plan) -> None:
    if len(plan.stages) > 1:
        raise fail("explore.stages", "A plan of several stages cannot be explored.", "Explore each stage by itself.")
    unknown = cannot_tell_because(plan)
    if unknown:
        raise ProblemError(Problem("model.unsupported", f"Cannot tell: {unknown}", "Choose another model."))
    device = device_of(plan)
    if device is None:
        raise fail("plan.no_device", f"{plan.machine.name} has nothing to compute on.", "Choose a machine.")
    if not _room(plan)[1] or not plan.machine.host_total_bytes or not plan.machine.disk_free_bytes:
        fact = "Cannot tell: how much memory or disk there is could not be read."
        raise fail("explore.cannot_tell", fact, "Choose a card of the catalogue as the machine.")
