"""Which rows are held out for evaluation: drawn from the seed alone, in pure Python, the same wherever it is asked.

The planner, the worker and an exported script must mean the same rows, on every computer and with every version of
Python, so nothing of `random` is used but the MT19937 whose numbers are fixed. Shuffling, batches and epochs have no part
in it: what is held out stays so when they change.
"""

from __future__ import annotations

import math
from functools import lru_cache

from planner.facts.order import seeded
from planner.problem import Problem
from planner.schedule import Schedule


def held_out(n_rows: int, schedule: Schedule) -> tuple[int, ...]:
    """Numbers in the file of the rows that are evaluated on, rising; of `n_rows` rows in the file. None without a share."""
    return _drawn(n_rows, n_held_out(n_rows, schedule), schedule.seed)


def trained_on(n_rows: int, schedule: Schedule) -> tuple[int, ...]:
    """Numbers in the file of all other rows, rising."""
    return _others(n_rows, n_held_out(n_rows, schedule), schedule.seed)


def n_held_out(n_rows: int, schedule: Schedule) -> int:
    """How many rows are held out: the share, rounded to whole rows, half a row up."""
    return math.floor(n_rows * schedule.eval_fraction + 0.5)


def n_trained_on(n_rows: int, schedule: Schedule) -> int:
    """How many rows are left to train on."""
    return n_rows - n_held_out(n_rows, schedule)


def split_problems(n_rows: int, schedule: Schedule) -> tuple[Problem, ...]:
    """Why a file of so many rows cannot be split so; empty where it can, or where nothing is held out."""
    if not schedule.eval_fraction or not n_rows:
        return ()
    held = n_held_out(n_rows, schedule)
    if 0 < held < n_rows:
        return ()
    which = "train on" if held else "evaluate on"
    return (
        Problem(
            "schedule.empty_split",
            f"Holding out {schedule.eval_fraction:.4g} of {n_rows:,} rows leaves none to {which}.",
            "Hold out another share, or none: eval_fraction=0.",
        ),
    )


@lru_cache(maxsize=16)
def _drawn(n_rows: int, n: int, seed: int) -> tuple[int, ...]:
    """The first n of a shuffle of all rows, which takes no more than n draws."""
    bits = seeded(seed).getrandbits
    moved: dict[int, int] = {}
    for i in range(n):
        j = i + bits(32) % (n_rows - i)
        moved[i], moved[j] = moved.get(j, j), moved.get(i, i)
    return tuple(sorted(moved[i] for i in range(n)))


@lru_cache(maxsize=16)
def _others(n_rows: int, n: int, seed: int) -> tuple[int, ...]:
    out = frozenset(_drawn(n_rows, n, seed))
    return tuple(i for i in range(n_rows) if i not in out)
