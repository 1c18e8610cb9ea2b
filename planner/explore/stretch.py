"""How far a plan can be stretched: the longest context, and the largest batch.

Both look at every combination of techniques that gives up nothing, and ask each whether it goes farther than the best so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from planner.estimate import Estimate
from planner.explore.answer import Answer, Question, Room, Way, rows_in_words, sentence_of
from planner.explore.context_map import full_rows, with_batch
from planner.explore.explored import FITS, Explored, Ints, Mask
from planner.explore.quality import said_of
from planner.explore.space import LONGEST_UNKNOWN
from planner.explore.trying import batch_of, best_first, estimated, farthest, first_that_fits, nearest
from planner.explore.worth import Class, in_classes, learns_no_less, own_length, starting_rows
from planner.facts.data import DataFacts
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.units import words

LENGTH_STEP = 64  # tokens
MOST_BATCH = 4096  # rows, as a schedule takes them
MAY_FALL = 8  # batches beyond the largest that are looked at: other rows meet in them, so need can fall again
FEW = 4


def longest_context(explored: Explored, room: Room | None = None, among: Mask | None = None) -> Answer:
    """The largest length, in steps of 64 tokens up to the model's positions, with every row really that long; then with
    as many rows of the plan's batch at a time as still fit."""
    room = room or Room()
    plan = explored.space.plan
    lengths = lengths_to_try(plan.model)
    rows = starting_rows(explored, among)

    def fits(i: int, length: int) -> bool:
        return room.fits(estimated(full_rows(batch_of(explored, i, 1, length))))

    best, found, less = -1, None, ""
    alternatives: list[Way] = []
    for of_class in in_classes(explored, rows):
        place = farthest(of_class.rows, lengths, fits, best)
        if place == best:
            continue
        one = _stretched(explored, of_class.rows, lengths[place], room)
        best = place
        if found is None:
            found, less = one, learns_less(explored, of_class)
        else:
            own = estimated(_own_data(one.plan, plan.data))
            alternatives = [Way(own.plan, own, sentence_of(one, room, timed_too=False), farther(explored, of_class))]
    if found is None:
        shortest = (full_rows(batch_of(explored, int(i), 1, lengths[0])) for i in rows)
        said = f"Not even rows of {lengths[0]} tokens fit, one at a time. The nearest plans miss this much."
        return Answer(Question.LONGEST, None, None, said, misses=nearest(shortest, room))
    own = estimated(_own_data(found.plan, plan.data))
    sentence = _longest_sentence(found, own, lengths[-1], room) + less
    return Answer(Question.LONGEST, own.plan, own, sentence, tuple(alternatives), full=found)


def largest_batch(explored: Explored, room: Room | None = None, among: Mask | None = None) -> Answer:
    """The most rows in one batch at the plan's length, of the data as it is: every number up to 16, then to an eighth."""
    room = room or Room()
    plan = explored.space.plan
    length = own_length(explored)
    batches = batches_to_try(plan)
    rows = starting_rows(explored, among)
    verdicts = explored.verdicts(room.budget_bytes)
    mask = learns_no_less(explored) & (explored.max_length == length)
    mask &= verdicts == FITS
    if among is not None:
        mask &= among

    def fits(i: int, batch: int) -> bool:
        return room.fits(estimated(batch_of(explored, i, batch, length)))

    best, found, less = -1, None, ""
    alternatives: list[Way] = []
    for of_class in in_classes(explored, rows):
        known = mask & np.isin(explored.quality, np.unique(explored.quality[of_class.rows]))
        largest = int(explored.micro_batch[known].max(initial=0))
        start, look_at = best, of_class.rows
        if largest in batches and batches.index(largest) > best:
            start = batches.index(largest)
            there = np.flatnonzero(known & (explored.micro_batch == largest))
            look_at = there[np.argsort(explored.high[there], kind="stable")]
        place = farthest(look_at, batches, fits, start)
        for beyond in range(min(place + MAY_FALL, len(batches) - 1), place, -1):
            if any(fits(int(i), batches[beyond]) for i in look_at[:FEW]):
                place = beyond
                break
        if place <= best:
            continue
        order = best_first(explored, look_at, explored.seconds)
        one = first_that_fits((batch_of(explored, int(i), batches[place], length) for i in order), room, len(order))
        if one is None:
            continue
        best = place
        if found is None:
            found, less = one, learns_less(explored, of_class)
        else:
            alternatives = [Way(one.plan, one, sentence_of(one, room), farther(explored, of_class))]
    if found is None:
        smallest = (batch_of(explored, int(i), 1, length) for i in rows)
        said = f"Not even one row of {length:,} tokens fits. The nearest plans miss this much."
        return Answer(Question.BATCH, None, None, said, misses=nearest(smallest, room))
    sentence = _batch_sentence(plan, found, batches[-1], room) + less
    return Answer(Question.BATCH, found.plan, found, sentence, tuple(alternatives))


def lengths_to_try(model: ModelFacts) -> tuple[int, ...]:
    """Multiples of 64 up to the model's positions; those alone where it has fewer."""
    most = model.max_positions or LONGEST_UNKNOWN
    return tuple(range(LENGTH_STEP, most + 1, LENGTH_STEP)) or (most,)


def batches_to_try(plan: Plan) -> tuple[int, ...]:
    """Every number up to 16, then eight of each doubling, the plan's own and all rows; no more than there are rows."""
    most = min(MOST_BATCH, plan.data.rows or MOST_BATCH)
    return tuple(sorted({n for n in (*_round_batches(), most, plan.stage.schedule.micro_batch) if n <= most} or {1}))


@lru_cache(maxsize=1)
def _round_batches() -> tuple[int, ...]:
    found, step = list(range(1, 17)), 2
    while found[-1] < MOST_BATCH:
        found += [found[-1] + step * n for n in range(1, 9)]
        step *= 2
    return tuple(found)


def _stretched(explored: Explored, rows: Ints, length: int, room: Room) -> Estimate:
    """Of the combinations that reach so far the best, with as many rows at a time as fit, up to the plan's batch."""
    order = best_first(explored, rows, explored.seconds)

    def plans(batch: int) -> Iterator[Plan]:
        return (full_rows(batch_of(explored, int(i), batch, length)) for i in order)

    found = first_that_fits(plans(1), room, len(order))
    assert found is not None  # `farthest` came here with one of them
    batch = explored.space.plan.stage.schedule.micro_batch
    while batch > 1:
        more = estimated(full_rows(with_batch(_own_data(found.plan, explored.space.plan.data), batch, length)))
        if room.fits(more):
            return more
        batch //= 2
    return found


def _own_data(plan: Plan, data: DataFacts) -> Plan:
    return Plan(plan.name, plan.model, data, plan.machine, plan.stages, plan.schema)


def farther(explored: Explored, of_class: Class) -> str:
    """Why another class is named beside the answer."""
    return f"farther, but {said_of(int(explored.quality[of_class.rows[0]])).words}"


def learns_less(explored: Explored, of_class: Class) -> str:
    """What is to be said of an answer in a class below the plan's; empty for one that is not."""
    if not of_class.said:
        return ""
    return f" Nothing that learns as much as the plan fits; this is: {said_of(int(explored.quality[of_class.rows[0]])).words}."


def _longest_sentence(full: Estimate, own: Estimate, last: int, room: Room) -> str:
    length = full.plan.stage.schedule.max_length
    text = sentence_of(full, room, timed_too=False)
    if length == last:
        text += f" {full.plan.model.name.rsplit('/', 1)[-1]} has no more positions."
    longest = max(own.plan.data.lengths, default=0)
    if 0 < longest < length:
        text += f" That is with every row so long. {rows_in_words(own.plan.data)}, so a run on it needs {_need(own)}."
    return text


def _batch_sentence(plan: Plan, found: Estimate, most: int, room: Room) -> str:
    batch, schedule = found.plan.stage.schedule.micro_batch, plan.stage.schedule
    text = sentence_of(found, room)
    rows = schedule.micro_batch * schedule.grad_accumulation
    if batch > rows:
        text += f" A step then learns from {batch} rows instead of {rows}, so there are fewer steps."
    if batch == most and plan.data.rows == most:
        text += " There are no more rows."
    return text


def _need(one: Estimate) -> str:
    return words(one.tiers[0].peak_bytes)
