"""The ledger's lines of a part of a plan as sums over a grid of batches, so that what many plans share is added up once.

A plan's need is a sum over its lines. What `planner.kept` reads of single lines (the work of a forward pass, logits, an
update's work) is gathered on the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.ledger import DEVICE, STATES, At, Kind, Line, Place
from planner.slots import Slot
from planner.units import Num

Table = NDArray[np.int64]
"""Instants × batches, or steps × batches; one column where all batches have the same."""


class Sums(NamedTuple):
    """Bytes of some lines. by_place: of each place by instant. states: of the computing device, those that do not grow
    with the batch. working, logits: of the forward pass and of the loss, by step. update: what an update works with."""

    by_place: dict[Place, Table]
    states: Table
    working: Table
    logits: Table
    update: Num

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        places = dict(self.by_place)
        for place, table in other.by_place.items():
            places[place] = places[place] + table if place in places else table
        return Sums(
            places,
            self.states + other.states,
            self.working + other.working,
            self.logits + other.logits,
            np.maximum(self.update, other.update),
        )


def sums_of(lines: Iterable[Line], timeline: tuple[At, ...], main: Place, size: int) -> Sums:
    """The sums of lines whose bytes are numbers or columns of `size` batches. main: where the plan computes."""
    lives: dict[tuple[Place, bool, frozenset[At]], Num] = {}
    steps = steps_of(timeline)
    working = np.zeros((len(steps), size), dtype=np.int64)
    logits = np.zeros((len(steps), size), dtype=np.int64)
    update: Num = 0
    for _, kind, place, n, alive, slot, _ in lines:
        key = (place, kind in STATES, alive)
        lives[key] = lives.get(key, 0) + n
        if place is not DEVICE:
            continue
        if kind is Kind.WORKSPACE:
            for step in _of_moment(alive, "forward_end", steps):
                working[step] += n
            if slot is Slot.OPTIMIZER:
                update = np.maximum(update, n)
        elif kind is Kind.LOGITS:
            for step in _of_moment(alive, "loss", steps):
                logits[step] += n
    places: dict[Place, Table] = {}
    states = np.zeros((len(timeline), size), dtype=np.int64)
    for (place, is_state, alive), n in lives.items():
        rows = _rows(alive, timeline)
        if place not in places:
            places[place] = np.zeros((len(timeline), size), dtype=np.int64)
        places[place][rows] += n
        if is_state and place is main:
            states[rows] += n
    return Sums(places, states, working, logits, update)


def side_by_side(parts: list[Sums]) -> Sums:
    """Sums over several groups of batches as one over all of them."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    places = dict.fromkeys(place for part in parts for place in part.by_place)
    nothing = [np.zeros_like(part.states) for part in parts]
    return Sums(
        {
            place: np.concatenate(
                [part.by_place.get(place, none) for part, none in zip(parts, nothing, strict=True)], axis=1
            )
            for place in places
        },
        np.concatenate([part.states for part in parts], axis=1),
        np.concatenate([part.working for part in parts], axis=1),
        np.concatenate([part.logits for part in parts], axis=1),
        np.concatenate([np.broadcast_to(part.update, part.states.shape[1:]) for part in parts])
        if any(np.ndim(part.update) for part in parts) or any(part.update != first.update for part in parts)
        else first.update,
    )


@lru_cache(maxsize=64)
def steps_of(timeline: tuple[At, ...]) -> tuple[tuple[int, str], ...]:
    """(stage, phase) of every phase, in order."""
    return tuple(dict.fromkeys((at.stage, at.phase) for at in timeline))


@lru_cache(maxsize=1024)
def _rows(alive: frozenset[At], timeline: tuple[At, ...]) -> NDArray[np.int64]:
    return np.array([i for i, at in enumerate(timeline) if at in alive], dtype=np.int64)


@lru_cache(maxsize=1024)
def _of_moment(alive: frozenset[At], moment: str, steps: tuple[tuple[int, str], ...]) -> tuple[int, ...]:
    """Which steps have this moment among these instants."""
    return tuple(steps.index((at.stage, at.phase)) for at in alive if at.moment == moment)
