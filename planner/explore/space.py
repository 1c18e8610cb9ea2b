"""Which plans are looked at: every combination of techniques, and for each a grid of rank, batch and length.

It estimates nothing and knows no technique by name: the registry says what there is, and a technique may say in which
ways it can be set (`spread`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from planner.facts.data import DataFacts
from planner.facts.model.facts import ModelFacts
from planner.options import described
from planner.plan import Choice, Plan, Stage
from planner.schedule import Schedule
from planner.slots import QUESTIONS, Slot
from planner.techniques.registry import of_slot, slots
from planner.techniques.technique import Spread, Technique

MOST_ROWS = 64  # of a batch
MOST_ACCUMULATION = next(d.maximum or 0 for f, d in described(Schedule) if f.name == "grad_accumulation")
SHORTEST = 64  # tokens
UNKNOWN = (256, 512, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 32768)  # where nobody knows how long rows are
LONGEST_UNKNOWN = UNKNOWN[-1]
LENGTHS, BATCHES = 10, 7  # how many of each, beside the plan's own
KEPT_SLOTS = (Slot.OBJECTIVE, Slot.PLACEMENT, Slot.PRECISION)
"""What a plan is for, where it runs and what it computes in are asked, not varied."""


class Structure(NamedTuple):
    """One combination of techniques. facets: (question, answer) for filters, slots in order and what a spread adds.
    settings: for each rank (0 where there is none) all answers."""

    facets: tuple[tuple[str, str], ...]
    settings: tuple[tuple[int, tuple[Choice, ...]], ...]


@dataclass(frozen=True)
class Space:
    """What is looked at around a plan. grid: (rows of a batch, accumulation, length) of every point, for each structure
    and rank."""

    plan: Plan
    structures: tuple[Structure, ...]
    grid: tuple[tuple[int, int, int], ...]

    @property
    def combinations(self) -> int:
        """Plans in all, valid or not."""
        return sum(len(structure.settings) for structure in self.structures) * len(self.grid)


def space_of(plan: Plan) -> Space:
    """The space around a plan: for its model, its data, its machine and its device."""
    return Space(plan, tuple(_structures(plan)), tuple(grid_of(plan)))


def grid_of(plan: Plan) -> Iterator[tuple[int, int, int]]:
    """Batches and lengths. A batch smaller than the plan's rows in one step is accumulated to them, so that each step
    learns from as many rows; a larger one is one step."""
    schedule = plan.stage.schedule
    rows = schedule.micro_batch * schedule.grad_accumulation
    for length in lengths_of(plan.data, plan.model, schedule):
        for batch in batches_of(plan.data, schedule):
            accumulation = -(-rows // batch)
            if accumulation <= MOST_ACCUMULATION:
                yield batch, accumulation, length


def batches_of(data: DataFacts, schedule: Schedule) -> tuple[int, ...]:
    """Rows of a batch: powers of two up to `MOST_ROWS` and to the rows there are, and the plan's own."""
    most = min(MOST_ROWS, data.rows or MOST_ROWS)
    found = {2**i for i in range(BATCHES) if 2**i <= most} | {schedule.micro_batch}
    return tuple(sorted(found))


def lengths_of(data: DataFacts, model: ModelFacts, schedule: Schedule) -> tuple[int, ...]:
    """Where rows are cut: the plan's own length, and from the longest row downwards in steps of a third.

    A longer one than the longest row cuts nothing, so there is no more than one of those: the plan's own, if it is one. Where rows are not known,
    round lengths up to the model's positions.
    """
    most = model.max_positions or LONGEST_UNKNOWN
    if not data.lengths:
        return tuple(sorted({schedule.max_length, *(n for n in UNKNOWN if n <= most)}))
    longest = min(max(data.lengths), most)
    found = {schedule.max_length}
    step = -(-longest // 8) * 8
    if schedule.max_length >= longest:
        step = _shorter(step)
    while step >= SHORTEST and len(found) < LENGTHS:
        found.add(step)
        step = _shorter(step)
    return tuple(sorted(found))


def _shorter(length: int) -> int:
    """The next round length below: 1024, 768, 512, 384, …"""
    power = 1 << (length.bit_length() - 1)
    if length > power * 3 // 2:
        return power * 3 // 2
    if length > power:
        return power
    return power * 3 // 4


def _structures(plan: Plan) -> Iterator[Structure]:
    """In the registry's order, the last slot varying fastest."""
    return _branches(plan, slots(), (), ((0, ()),))


def _branches(
    plan: Plan,
    left: tuple[Slot, ...],
    facets: tuple[tuple[str, str], ...],
    settings: tuple[tuple[int, tuple[Choice, ...]], ...],
) -> Iterator[Structure]:
    if not left:
        yield Structure(facets, settings)
        return
    slot, *rest = left
    for known in of_slot(slot):
        now = plan.stage.choice(slot)
        if slot in KEPT_SLOTS and now is not None and now.technique != known.name:
            continue
        options = now.options if now is not None and now.technique == known.name else known.Options()
        for spread in spreads(known, plan, options):
            here = plan.with_choice(Choice(slot, known.name, spread.settings[0][1]))
            named = (*facets, (QUESTIONS[slot], known.label), *spread.facets)
            yield from _branches(here, tuple(rest), named, _joined(settings, slot, known.name, spread))


def spreads(known: Technique, plan: Plan, options: Any) -> tuple[Spread, ...]:
    """In which ways a technique is looked at; as it is set where it does not say."""
    offered = getattr(known, "spread", None)
    return tuple(offered(plan, options)) if offered else (Spread((), ((0, options),)),)


def _joined(
    settings: tuple[tuple[int, tuple[Choice, ...]], ...], slot: Slot, name: str, spread: Spread
) -> tuple[tuple[int, tuple[Choice, ...]], ...]:
    """Every setting so far with every one of the spread; only one slot has a number."""
    return tuple(
        (number or mine, (*choices, Choice(slot, name, options)))
        for number, choices in settings
        for mine, options in spread.settings
    )


def plan_of(plan: Plan, choices: tuple[Choice, ...], point: tuple[int, int, int]) -> Plan:
    """One plan of the space."""
    rows, accumulation, length = point
    schedule = replace(plan.stage.schedule, micro_batch=rows, grad_accumulation=accumulation, max_length=length)
    return plan.with_stage(Stage(choices, schedule))
