"""How far a plan can be stretched: the longest context, and the largest batch.

Both look at every combination of techniques that gives up nothing, and ask each whether it goes farther than the best so far.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from planner.estimate import Estimate
from planner.explore.answer import Answer, Question, Room, Way, rows_in_words, sentence_of
from planner.explore.context_map import full_rows, with_batch
from planner.explore.explored import FITS, Explored, Ints, Mask
from planner.explore.quality import said_of
from planner.explore.space import LONGEST_UNKNOWN
from planner.explore.trying import (
    MOST_TRIED,
    batch_of,
    best_first,
    estimated,
    farthest,
    first_that_fits,
    nearest,
    one_of_each_structure,
    thriftiest,
)
from planner.explore.worth import Class, in_classes, learns_no_less, of_setting, own_length, starting_rows
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.units import words

LENGTH_STEP = 64  # tokens
MOST_BATCH = 4096  # rows, as a schedule takes them
MAY_FALL = 8  # batches beyond the largest that are looked at: other rows meet in them, so need can fall again
FEW = 4
CLEARLY = 1.1  # times as far: what a lesser class has to reach to be named


class SoLong(NamedTuple):
    """A plan whose rows are all as long as they may be, and the same with its own rows."""

    full: Estimate
    own: Estimate


def longest_context(explored: Explored, room: Room | None = None, among: Mask | None = None) -> Answer:
    """The largest length, in steps of 64 tokens up to the model's positions, with every row really that long and with the
    rows as they are; then with as many rows of the plan's batch at a time as still fit."""
    room = room or Room()
    plan = explored.space.plan
    lengths = lengths_to_try(plan.model)
    falls = [next((p for p, n in enumerate(lengths) if n > plan.model.sliding_window), 0)]
    rows = starting_rows(explored, among)

    def so_long(i: int, length: int) -> SoLong | None:
        return _so_long(batch_of(explored, i, 1, length), room)

    def fits(i: int, length: int) -> bool:
        return so_long(i, length) is not None

    best, found, less = -1, None, ""
    alternatives: tuple[Way, ...] = ()
    for of_class in in_classes(explored, rows):
        place, row = farthest(thriftiest(explored, of_class.rows), lengths, fits, best, falls)
        if place + 1 < len(lengths):  # the thriftiest at lengths that the columns know need not be so far beyond them
            rest = _may_fit(explored, of_class.rows, lengths[place + 1], room)
            place, row = max((place, row), farthest(one_of_each_structure(explored, rest), lengths, fits, place, falls))
        if row < 0:
            continue
        may = _may_fit(explored, of_class.rows, lengths[place], room)
        order = best_first(explored, may, explored.seconds)
        tried = (so_long(int(i), lengths[place]) for i in (*order[:MOST_TRIED], row))
        one = next(filter(None, tried))
        one = _more_at_a_time(one, plan, room)
        if found is None:
            found, less = one, learns_less(explored, of_class)
        elif lengths[place] >= CLEARLY * found.own.plan.stage.schedule.max_length:
            said = sentence_of(one.full, room, timed_too=False)
            alternatives = (Way(one.own.plan, one.own, said, farther(explored, of_class)),)
        best = place
    if found is None:
        shortest = (batch_of(explored, int(i), 1, lengths[0]) for i in rows)
        heavier = (p if room.fits(estimated(full_rows(p))) else full_rows(p) for p in shortest)
        said = f"Not even rows of {lengths[0]} tokens fit, one at a time. The nearest plans miss this much."
        return Answer(Question.LONGEST, None, None, said, misses=nearest(heavier, room))
    own = found.own
    sentence = _longest_sentence(found.full, own, lengths[-1], room) + less
    return Answer(Question.LONGEST, own.plan, own, sentence, alternatives, full=found.full)


def largest_batch(explored: Explored, room: Room | None = None, among: Mask | None = None) -> Answer:
    """The most rows in one batch at the plan's length, of the data as it is: every number up to 16, then to an eighth."""
    room = room or Room()
    plan = explored.space.plan
    length = own_length(explored)
    batches = batches_to_try(plan)
    falls = [batches.index(2)] if 2 in batches else []
    rows = starting_rows(explored, among)
    fitting = learns_no_less(explored) & (explored.max_length == length)
    fitting &= explored.verdicts(room.budget_bytes) == FITS
    if among is not None:
        fitting &= among

    def fits(i: int, batch: int) -> bool:
        return room.fits(estimated(batch_of(explored, i, batch, length)))

    best, found, less = -1, None, ""
    alternatives: tuple[Way, ...] = ()
    for of_class in in_classes(explored, rows):
        place, look_at = _known_to_fit(explored, fitting, of_class, batches)
        if place < 0:
            look_at = of_class.rows
        thrifty = thriftiest(explored, look_at)
        place, row = farthest(thrifty, batches, fits, max(place, best), falls)
        for beyond in range(min(place + MAY_FALL, len(batches) - 1), place, -1):
            if (i := next((int(i) for i in thrifty[:FEW] if fits(int(i), batches[beyond])), -1)) >= 0:
                place, row = beyond, i
                break
        if place <= best:
            continue
        order = [*best_first(explored, look_at, explored.seconds)[:MOST_TRIED], *([row] if row >= 0 else thrifty)]
        one = first_that_fits((batch_of(explored, int(i), batches[place], length) for i in order), room, len(order))
        if one is None:
            continue
        if found is None:
            found, less = one, learns_less(explored, of_class)
        elif batches[place] >= CLEARLY * found.plan.stage.schedule.micro_batch:
            alternatives = (Way(one.plan, one, sentence_of(one, room), farther(explored, of_class)),)
        best = place
    if found is None:
        smallest = (batch_of(explored, int(i), 1, length) for i in rows)
        said = f"Not even one row of {length:,} tokens fits. The nearest plans miss this much."
        return Answer(Question.BATCH, None, None, said, misses=nearest(smallest, room))
    sentence = _batch_sentence(plan, found, batches[-1], room) + less
    return Answer(Question.BATCH, found.plan, found, sentence, alternatives)


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


def _may_fit(explored: Explored, rows: Ints, length: int, room: Room) -> Ints:
    """Rows without those that are too large with fewer tokens already: what columns know of a length no longer than this."""
    budget = explored.budget_bytes if room.budget_bytes is None else room.budget_bytes
    known = max((x for *_, x in explored.space.grid if x <= length), default=0)
    if known <= explored.space.plan.model.sliding_window < length:
        return rows  # a mask comes between, so that need can have fallen
    one_row = (explored.max_length == known) & (explored.micro_batch == explored.micro_batch[rows].min())
    keys = of_setting(explored)
    too_large = np.unique(keys[one_row & (explored.high > budget)])
    found: Ints = rows[~np.isin(keys[rows], too_large)]
    return found


def _known_to_fit(explored: Explored, fitting: Mask, of_class: Class, batches: tuple[int, ...]) -> tuple[int, Ints]:
    """The place of the largest batch that the columns know to fit in a class, and the rows there; (−1, none) where none is."""
    known = fitting & np.isin(explored.quality, np.unique(explored.quality[of_class.rows]))
    largest = int(explored.micro_batch[known].max(initial=0))
    if largest not in batches:
        return -1, np.zeros(0, dtype=np.int64)
    there = np.flatnonzero(known & (explored.micro_batch == largest))
    return batches.index(largest), there[np.argsort(explored.high[there], kind="stable")]


def _so_long(plan: Plan, room: Room) -> SoLong | None:
    """What a plan needs with every row as long as it may be, and with its own rows, where both fit: rows of different
    length are filled up and need a mask, so neither is the lighter one for certain."""
    full = estimated(full_rows(plan))
    if not room.fits(full):
        return None
    own = estimated(plan)
    return SoLong(full, own) if room.fits(own) else None


def _more_at_a_time(found: SoLong, plan: Plan, room: Room) -> SoLong:
    """With as many rows at a time as fit, up to the plan's batch."""
    batch, length = plan.stage.schedule.micro_batch, found.own.plan.stage.schedule.max_length
    while batch > 1:
        if more := _so_long(with_batch(found.own.plan, batch, length), room):
            return more
        batch //= 2
    return found


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
