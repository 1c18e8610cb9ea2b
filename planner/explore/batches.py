"""The longest batches of a whole grid at once, and the work of an epoch there: what `planner.facts.data` and
`planner.timing.work` say of each point, drawn with arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from planner.facts.data import (
    Batches,
    BatchShape,
    DataFacts,
    batches,
    bounded,
    kept_lengths,
    too_many_to_draw,
    unbeaten,
    with_evaluation,
)
from planner.facts.order import epochs_begun, randperm, steps_per_epoch, total_steps
from planner.schedule import Schedule

Points = tuple[tuple[int, int, int], ...]


def batches_on(data: DataFacts, schedule: Schedule, grid: Points) -> list[Batches]:
    """`batches` of each (rows of a batch, accumulation, length)."""
    of_length: dict[int, tuple[NDArray[np.int64], bool]] = {}
    counted: dict[int, Counter[int]] = {}
    found = []
    for rows, accumulation, length in grid:
        here = replace(schedule, micro_batch=rows, grad_accumulation=accumulation, max_length=length)
        if length not in of_length:
            lengths, known = kept_lengths(data, here)
            of_length[length] = np.asarray(lengths, dtype=np.int64), known
        cut, known = of_length[length]
        if not len(cut):
            found.append(batches(data, here))
            continue
        if too_many_to_draw(len(cut), here):
            if length not in counted:
                counted[length] = Counter(cut.tolist())
            one = bounded(counted[length], len(cut), rows)
        else:
            one = _drawn(cut, known, here)
        found.append(with_evaluation(one, data, here) if schedule.eval_fraction else one)
    return found


def _drawn(lengths: NDArray[np.int64], known: bool, schedule: Schedule) -> Batches:
    """Whole batches of all epochs as one table with a row for each; the rest of an epoch is one batch more."""
    size = schedule.micro_batch
    shapes: set[tuple[int, int, bool]] = set()
    tokens: list[NDArray[np.int64]] = []
    for epochs in _epochs(lengths, schedule):
        whole = epochs.shape[1] // size * size
        for table in (epochs[:, :whole].reshape(-1, size), epochs[:, whole:]):
            if not table.size:
                continue
            longest, shortest, rows = table.max(axis=1), table.min(axis=1), table.shape[1]
            padded = shortest < longest
            for flag in (False, True):
                if (padded == flag).any():
                    shapes.add((rows, int(longest[padded == flag].max()), flag))
            tokens.append(longest * rows)
    heaviest = tuple(BatchShape(r, s, p, certain=known) for r, s, p in unbeaten(shapes))
    sizes = frozenset(np.unique(np.concatenate(tokens)).tolist())
    return Batches(heaviest, len(sizes), sizes=sizes)


def _epochs(lengths: NDArray[np.int64], schedule: Schedule) -> Iterator[NDArray[np.int64]]:
    """The rows' lengths in the order in which `planner.facts.order.micro_batches` takes them, epochs × rows: those that
    are gone through whole, and the last one as far as it goes."""
    rows = len(lengths)
    epochs, per_epoch = epochs_begun(rows, schedule), steps_per_epoch(rows, schedule)
    left = total_steps(rows, schedule) - (epochs - 1) * per_epoch
    drawn = lengths[_orders(rows, schedule.seed, epochs)] if schedule.shuffle else np.tile(lengths, (epochs, 1))
    yield drawn[:-1]
    yield drawn[-1:, : left * schedule.grad_accumulation * schedule.micro_batch]


@lru_cache(maxsize=4)
def _orders(rows: int, seed: int, epochs: int) -> NDArray[np.int64]:
    """Epochs × rows; of more epochs than were asked for before, the first ones are the same."""
    return np.array([randperm(rows, seed + epoch) for epoch in range(epochs)], dtype=np.int64)
