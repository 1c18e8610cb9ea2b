"""Which plans a question may answer with: those that give up nothing which the person's own plan has, unless it is said.

Here stand the rules, and nothing else decides what is comparable. Whether a plan fits is another matter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.explore.explored import Explored, Ints, Mask
from planner.explore.quality import quality_of
from planner.plan import Plan
from planner.slots import Slot


def worthy(explored: Explored) -> Mask:
    """Rows that give up nothing against the plan that was explored around:

    1. They cut the rows where the plan does, or at the shortest length that cuts no more than the plan.
    2. Each step learns from as many rows: batch × accumulation is the plan's.
    3. Where the same technique trains, its rank is no lower and no fewer elements are trained.

    What can be learned with another technique is the matter of quality classes (`in_classes`), which are compared among
    plans that fit.
    """
    schedule = explored.space.plan.stage.schedule
    rows_of_a_step = schedule.micro_batch * schedule.grad_accumulation
    found: Mask = (
        (explored.max_length == own_length(explored))
        & (explored.micro_batch * explored.accumulation == rows_of_a_step)
        & learns_no_less(explored)
    )
    return found


def own_length(explored: Explored) -> int:
    """The length of the grid that cuts rows as the plan does, or the shortest that cuts no more."""
    plan = explored.space.plan
    need = cut_needed(plan)
    kept = [length for *_, length in explored.space.grid]
    return min((length for length in kept if length >= need), default=max(kept, default=need))


def cut_needed(plan: Plan) -> int:
    """The shortest length that cuts no more than the plan's: no row reaches beyond the longest one, nor the model's positions."""
    ends = [plan.stage.schedule.max_length, max(plan.data.lengths, default=0), plan.model.max_positions]
    return min(end for end in ends if end)


def learns_no_less(explored: Explored) -> Mask:
    """Rule 3 of `worthy`."""
    plan = explored.space.plan
    now = plan.stage.choice(Slot.TRAINABLE)
    same = np.array(
        [
            any(c.slot is Slot.TRAINABLE and now is not None and c.technique == now.technique for c in s.settings[0][1])
            for s in explored.space.structures
        ],
        dtype=bool,
    )
    found: Mask = ~same[explored.structure] if len(same) else np.ones(0, dtype=bool)
    number, rank = of_plan(explored)
    if number < 0:  # the plan is not among those looked at, so nothing is known of what it trains
        found |= True
        return found
    here = np.flatnonzero((explored.structure == number) & (explored.rank == rank))
    trained = int(explored.trainable[here[0]]) if len(here) else 0
    found |= (explored.rank >= rank) & (explored.trainable >= trained)
    return found


def of_plan(explored: Explored) -> tuple[int, int]:
    """(structure, rank) of the plan itself; (−1, 0) where it is not in the space."""
    wanted = explored.space.plan.stage.choices
    for number, structure in enumerate(explored.space.structures):
        for rank, choices in structure.settings:
            if choices == wanted:
                return number, rank
    return -1, 0


class Class(NamedTuple):
    """Plans to answer with, before those of the next. rows: as they were handed in. said: the class has to be said."""

    rows: Ints
    said: bool


def in_classes(explored: Explored, rows: Ints) -> tuple[Class, ...]:
    """Rows by what can be learned: all that learn no less than the plan first, as one; then each worse class alone.

    A worse class is answered with only where no better one has anything that fits, and the answer says so.
    """
    quality = explored.quality[rows]
    own = quality_of(explored.space.plan.stage.choices)
    found = [Class(rows[quality <= own], said=False)]
    found += [Class(rows[quality == worse], said=True) for worse in np.unique(quality[quality > own])]
    return tuple(c for c in found if len(c.rows))


def starting_rows(explored: Explored, among: Mask | None = None) -> Ints:
    """One row for each combination of techniques that may be answered with, at its lowest rank that may be, the one
    that needs least first: one row of a batch, cut as the plan cuts.

    For questions that change batch, length, model or card: the order is where to look first.
    """
    mask = learns_no_less(explored)
    if among is not None:
        keys = of_setting(explored)
        mask &= np.isin(keys, np.unique(keys[among]))
    mask &= explored.max_length == own_length(explored)
    batches = [rows for rows, *_ in explored.space.grid]
    mask &= explored.micro_batch == min(batches, default=1)
    rows = np.flatnonzero(mask)  # in the order structure, rank, so that the first of a structure has its lowest rank
    keys = explored.structure[rows] * (1 + int(explored.quality.max(initial=0))) + explored.quality[rows]
    _, first = np.unique(keys, return_index=True)
    rows = rows[first]
    found: Ints = rows[np.argsort(explored.high[rows], kind="stable")]
    return found


def of_setting(explored: Explored) -> Ints:
    """A number for each combination of techniques with its rank, one for each row."""
    found: Ints = explored.structure * (1 + int(explored.rank.max(initial=0))) + explored.rank
    return found
