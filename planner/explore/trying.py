"""What the questions share: a row's techniques with another batch, length, model or card, estimated; and the nearest misses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from planner.estimate import Estimate, estimate
from planner.explore.answer import Miss, Room, in_words, miss_of
from planner.explore.context_map import with_batch
from planner.explore.costs import Cost
from planner.explore.explored import Explored, Floats, Ints
from planner.explore.worth import of_setting
from planner.plan import Choice, Plan, Stage
from planner.techniques.registry import technique

NEAREST = 3
NEAR_ENOUGH = 8  # looked at to find them
MOST_TRIED = 64  # plans estimated to find the best of those that may fit
NEARLY = 1.1  # how far two plans' needs may change places between two models or cards

Turn: TypeAlias = Callable[[Plan], Plan]
"""A plan on another machine, with another model or with other rows."""


@lru_cache(maxsize=1024)
def estimated(plan: Plan) -> Estimate:
    """Questions are asked again and again, and come back to the same plans."""
    return estimate(plan)


def choices_of(explored: Explored, i: int) -> tuple[Choice, ...]:
    """The answers of row `i`."""
    structure = explored.space.structures[int(explored.structure[i])]
    return next(c for number, c in structure.settings if number == int(explored.rank[i]))


def with_techniques(explored: Explored, i: int) -> Plan:
    """The explored plan with the techniques of row `i`, batch and length left as they are."""
    plan = explored.space.plan
    return plan.with_stage(Stage(choices_of(explored, i), plan.stage.schedule))


def turned(explored: Explored, i: int, turn: Turn | None = None) -> Plan:
    """The plan of row `i`, turned."""
    plan = explored.plan(i)
    return turn(plan) if turn else plan


def batch_of(explored: Explored, i: int, rows: int, length: int) -> Plan:
    """The techniques of row `i` with another batch and length."""
    return with_batch(with_techniques(explored, i), rows, length)


def valid_there(explored: Explored, rows: Ints, turn: Turn) -> Ints:
    """Rows of which the techniques are valid on another card or with another model as well.

    Answers that stand beside each other here can be wrong there only by themselves, so each is looked at once.
    """
    plan = explored.space.plan
    stands: dict[Choice, bool] = {}
    keys = of_setting(explored)
    valid: list[int] = []
    for key, i in zip(*np.unique(keys[rows], return_index=True), strict=True):
        choices = choices_of(explored, int(rows[i]))
        for c in choices:
            if c not in stands:
                there = turn(plan.with_stage(Stage(choices, plan.stage.schedule)))
                answer = there.stage.choice(c.slot)  # a card's placement names its own device
                stands[c] = answer is not None and not technique(c.slot, c.technique).problems(there, answer.options)
        if all(map(stands.__getitem__, choices)):
            valid.append(int(key))
    found: Ints = rows[np.isin(keys[rows], valid)]
    return found


def best_first(explored: Explored, rows: Ints, cost: Floats) -> Ints:
    """Rows by what can be learned, then by cost (not known: last), then by memory."""
    of_cost = cost[rows]
    order = np.lexsort((explored.high[rows], np.where(np.isnan(of_cost), np.inf, of_cost), explored.quality[rows]))
    found: Ints = rows[order]
    return found


def least_cost_first(explored: Explored, rows: Ints, cost: Cost) -> Ints:
    """Rows by cost (not known: last), then by memory; among equal ones the first."""
    of_cost = cost.to_minimise(explored)[rows]
    order = np.lexsort((explored.high[rows], np.where(np.isnan(of_cost), np.inf, of_cost)))
    found: Ints = rows[order]
    return found


def first_that_fits(plans: Iterable[Plan], room: Room, most: int = MOST_TRIED) -> Estimate | None:
    """The first of these plans whose own estimate fits, of at most so many."""
    for plan, _ in zip(plans, range(most), strict=False):
        one = estimated(plan)
        if room.fits(one):
            return one
    return None


def best_elsewhere(explored: Explored, rows: Ints, turn: Turn, room: Room) -> Estimate | None:
    """The best of these rows that fits with another model or on another card, by what can be learned and by the time that
    the columns know.

    What needs more here needs more there, nearly: so it is found out first how much a row may need here.
    """
    rows = valid_there(explored, rows, turn)
    if not len(rows):
        return None
    by_need = rows[np.argsort(explored.high[rows], kind="stable")]
    low, high = -1, len(by_need) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if room.fits(estimated(turned(explored, int(by_need[middle]), turn))):
            low = middle
        else:
            high = middle - 1
    if low < 0:
        return None
    may = rows[explored.high[rows] <= NEARLY * explored.high[by_need[low]]]
    order = best_first(explored, may, explored.seconds)
    best = first_that_fits((turned(explored, int(i), turn) for i in order), room)
    return best or estimated(turned(explored, int(by_need[low]), turn))


def farthest(
    rows: Iterable[int],
    values: Sequence[int],
    fits: Callable[[int, int], bool],
    start: int = -1,
    falls: Sequence[int] = (),
) -> tuple[int, int]:
    """The place of the largest value with which any row fits, and that row; `start` is known to fit (−1: none is), and
    comes back with the row −1 where nothing goes beyond.

    A row is looked into only when it fits one value beyond the best so far, or at one of `falls`: places at which need
    can fall, where a mask comes in. Between those need never falls with the value.
    """
    best, row = start, -1
    for i in map(int, rows):
        high = len(values) - 1
        for low in sorted({best + 1, *(p for p in falls if p > best)}, reverse=True):
            if low <= high and fits(i, values[low]):
                best, row = _last(i, values, fits, low, high), i
                break
            high = low - 1
    return best, row


def _last(i: int, values: Sequence[int], fits: Callable[[int, int], bool], low: int, high: int) -> int:
    """The place of the largest value up to `high` with which a row fits that fits at `low`."""
    while low < high:
        middle = (low + high + 1) // 2
        if fits(i, values[middle]):
            low = middle
        else:
            high = middle - 1
    return low


def thriftiest(explored: Explored, rows: Ints) -> Ints:
    """The combinations on the memory frontier, in order: those that no other needs less than at every batch and length.

    Only they can go farthest; a fifth of a hundred is the usual number.
    """
    keys = of_setting(explored)
    wanted, back = np.unique(keys[rows], return_inverse=True)
    of_wanted = np.isin(keys, wanted)
    need = np.full((len(wanted), len(explored.space.grid)), np.inf)
    need[np.searchsorted(wanted, keys[of_wanted]), explored.point[of_wanted]] = explored.high[of_wanted]
    need = need[back]
    kept: list[int] = []
    for place in np.argsort(need.sum(axis=1), kind="stable"):  # none needs less everywhere than one with a smaller sum
        if not kept or not (need[kept] <= need[place]).all(axis=1).any():
            kept.append(int(place))
    found: Ints = rows[sorted(kept)]
    return found


def nearest(plans: Iterable[Plan], room: Room, told_apart_by: Callable[[Plan], str] = in_words) -> tuple[Miss, ...]:
    """Of plans that do not fit, the thriftiest first, the three that miss least, and what each misses.

    Of plans that read the same only the first is looked at, so that three say more than one.
    """
    tried: dict[str, Estimate] = {}
    for plan in plans:
        if len(tried) >= NEAR_ENOUGH:
            break
        if (words := told_apart_by(plan)) not in tried:
            tried[words] = estimated(plan)
    misses = [miss_of(one, room) for one in tried.values() if one.tiers and not room.fits(one)]
    return tuple(sorted(misses, key=lambda m: m.over[0][1] if m.over else 0)[:NEAREST])


def one_of_each_structure(explored: Explored, rows: Ints) -> Iterator[int]:
    """Of rows in order the first of each combination of techniques, so that three of them are three different ones."""
    seen: set[int] = set()
    for i in rows:
        if (structure := int(explored.structure[i])) not in seen:
            seen.add(structure)
            yield int(i)
