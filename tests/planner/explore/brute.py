"""The slow way to explore, one estimate after another: the referee for everything that is quicker. And plans to explore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planner.drafting import draft
from planner.estimate import Estimate, estimate
from planner.explore.explored import Explored, Invalid
from planner.explore.quality import quality_of
from planner.explore.space import Space, plan_of, space_of
from planner.facts.data import DataFacts
from planner.facts.gpus import other_machine
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.catalogue import find
from planner.plan import Plan, Stage
from planner.presets import default_plan
from planner.problem import Problem
from planner.schedule import Schedule
from planner.stored import CHECKPOINTS_AT_ONCE
from planner.tier import Tier
from planner.timing.timed import timed
from planner.units import GIB
from planner.verdict import judge

VERDICTS = ("fits", "tight", "does_not_fit")
LENGTHS = tuple(40 + (37 * i) % 300 for i in range(60))


def small_plan(
    *,
    model: str = "HuggingFaceTB/SmolLM2-135M",
    card: str = "",
    free_bytes: int = 6 * GIB,
    lengths: tuple[int, ...] = LENGTHS,
    rows: int = 60,
    schedule: Schedule | None = None,
) -> Plan:
    """Defaults of every slot; on a CPU with so much free, or on a card of the catalogue with so much of it free."""
    data = DataFacts("d", "", "messages", len(lengths) or rows, 1, f"{hash(lengths)}", lengths, "counted")
    if not lengths:
        data = replace(data, lengths_from="unknown")
    plan = default_plan(find(model), data, other_machine(card) if card else cpu(free_bytes))
    return plan.with_stage(Stage(plan.stage.choices, schedule or Schedule(micro_batch=4, max_length=256)))


def cpu(free_bytes: int) -> MachineFacts:
    return MachineFacts("m", "", "CPU", 4, 64 * GIB, free_bytes, 0, 500 * GIB,
                        (Device("cpu", "cpu", "CPU", 64 * GIB, free_bytes),))  # fmt: skip


def some_of(plan: Plan, every: int = 7, lengths: int = 3) -> Space:
    """A part of the space that one can go through one by one: every so many-th structure, few batches and lengths."""
    space = space_of(plan)
    kept = sorted({length for *_, length in space.grid})
    own = min((x for x in kept if x >= plan.stage.schedule.max_length), default=kept[-1])
    wanted = {own, *kept[-lengths:]}
    grid = tuple(p for p in space.grid if p[0] in (1, 2, 4, 8, 16, 64) and p[2] in wanted)
    own_one = tuple(s for s in space.structures if any(c == plan.stage.choices for _, c in s.settings))
    return Space(plan, (*own_one, *(s for s in space.structures[::every] if s not in own_one)), grid)


def one_by_one(space: Space, seconds: Callable[[Plan], float] | None = None) -> Explored:
    """What `explore` has to come to."""
    found: list[tuple[float, ...]] = []
    invalid: dict[Problem, Invalid] = {}
    tier: Tier | None = None
    for number, structure in enumerate(space.structures):
        for rank, choices in structure.settings:
            quality = quality_of(choices)
            for point, at in enumerate(space.grid):
                plan = plan_of(space.plan, choices, at)
                one = estimate(plan)
                if one.problems:
                    before = invalid.get(one.problems[0])
                    plans = 1 + (before.plans if before else 0)
                    invalid[one.problems[0]] = Invalid(one.problems[0], plans, structure)
                    continue
                if not one.tiers:
                    continue
                tier = one.tiers[0]
                taken, speed = _time(plan, seconds)
                figures = (tier.low_bytes, tier.peak_bytes, tier.high_bytes, _elsewhere(one))
                row = (number, rank, point, *at, *figures, taken, speed, *_learned(plan, one), quality)
                found.append(row)
    columns = [np.array(x) for x in zip(*found, strict=True)] if found else [np.zeros(0)] * 15
    whole = [c.astype(np.int64) for c in columns[:10]]
    rest = [c.astype(np.int64) for c in columns[12:]]
    name, budget, capacity = (tier.name, tier.budget_bytes, tier.capacity_bytes) if tier else ("", 0, 0)
    return Explored(space, *whole, columns[10], columns[11], *rest, name, budget, capacity,
                    tuple(invalid.values()), 0.0)  # fmt: skip


def _elsewhere(one: Estimate) -> int:
    others = judge(one.tiers[1:]).value
    return VERDICTS.index(others) if others in VERDICTS else 0


def _time(plan: Plan, seconds: Callable[[Plan], float] | None) -> tuple[float, float]:
    if seconds is not None:
        return seconds(plan), float("nan")
    found = timed(plan)
    return (found.seconds_per_epoch[1], found.tokens_per_s[1]) if found else (float("nan"), float("nan"))


def _learned(plan: Plan, one: Estimate) -> tuple[int, int]:
    tensors = [t for stack in draft(plan).stacks for t in stack.tensors if t.trained and not t.tied]
    on_disk = next(x for x in one.lines if x.what == "Saved model")
    return sum(t.elements for t in tensors), int(on_disk.bytes) // (CHECKPOINTS_AT_ONCE + 1)
