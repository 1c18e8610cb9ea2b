"""Best that fits: the least of the chosen cost, among plans that give up nothing, in the best class that has any."""

from __future__ import annotations

import numpy as np

from planner.explore.answer import Answer, Question, Room, Way, sentence_of
from planner.explore.costs import SECONDS, Cost
from planner.explore.explored import FITS, Explored, Ints, Mask
from planner.explore.quality import said_of
from planner.explore.trying import (
    estimated,
    first_that_fits,
    least_cost_first,
    nearest,
)
from planner.explore.worth import worthy

FASTER = 0.9  # of the answer's cost: what a way in another class must beat to be named
LESS = {"seconds": "faster", "money": "cheaper", "saved": "smaller result"}


def best_that_fits(
    explored: Explored, cost: Cost = SECONDS, room: Room | None = None, among: Mask | None = None
) -> Answer:
    """Among rows that are `worthy` and fit, those of the best quality class present; of them the least cost, and where
    no cost is known or it is equal, the least memory.

    Named beside it: the same class with the least memory, and a lesser class where that costs clearly less.
    """
    room = room or Room()
    mask = worthy(explored) if among is None else worthy(explored) & among
    fits = mask & (explored.verdicts(room.budget_bytes) == FITS)
    rows = np.flatnonzero(fits)
    for number in np.unique(explored.quality[rows]):
        of_class: Ints = rows[explored.quality[rows] == number]
        order = least_cost_first(explored, of_class, cost)
        one = first_that_fits((explored.plan(int(i)) for i in order), room)
        if one is None:
            continue
        lesser = rows[explored.quality[rows] > number]
        ways = (
            *_thriftiest(explored, of_class, room),
            *_in_a_lesser_class(explored, int(order[0]), lesser, cost, room),
        )
        alternatives = tuple(w for w in ways if w.plan != one.plan)
        return Answer(Question.BEST, one.plan, one, sentence_of(one, room), alternatives)
    order = np.flatnonzero(mask)
    order = order[np.argsort(explored.high[order], kind="stable")]
    misses = nearest((explored.plan(int(i)) for i in order), room)
    return Answer(Question.BEST, None, None, _nothing(explored), misses=misses)


def _thriftiest(explored: Explored, rows: Ints, room: Room) -> list[Way]:
    i = int(rows[np.argmin(explored.high[rows])])
    one = estimated(explored.plan(i))
    return [Way(one.plan, one, sentence_of(one, room), "needs least")] if room.fits(one) else []


def _in_a_lesser_class(explored: Explored, best: int, rows: Ints, cost: Cost, room: Room) -> list[Way]:
    """The least cost of all classes below, where it is clearly less than the answer's."""
    column = cost.to_minimise(explored)
    order = least_cost_first(explored, rows, cost)
    if not len(order) or not column[order[0]] < FASTER * column[best]:
        return []
    one = first_that_fits((explored.plan(int(i)) for i in order), room)
    if one is None:
        return []
    learns = said_of(int(explored.quality[order[0]])).words
    return [
        Way(one.plan, one, sentence_of(one, room), f"{LESS.get(cost.key, f'less {cost.title.lower()}')}, but {learns}")
    ]


def _nothing(explored: Explored) -> str:
    schedule = explored.space.plan.stage.schedule
    rows = schedule.micro_batch * schedule.grad_accumulation
    return (
        f"Nothing fits with rows cut at {schedule.max_length:,} tokens and {rows} rows in a step. "
        "The nearest plans miss this much."
    )
