"""What exploring found: one row for each valid plan, in columns, and why the others are none.

It holds and looks up; `search` fills it, `frontier` and `questions` read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from planner.explore.space import Space, Structure, plan_of
from planner.plan import Plan
from planner.problem import Problem

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

FITS, TIGHT, DOES_NOT_FIT = 0, 1, 2
"""Verdicts in columns, as `planner.verdict.judge` has them."""


def verdicts_of(low: Ints, high: Ints, budget_bytes: int | Ints) -> Ints:
    """FITS, TIGHT or DOES_NOT_FIT of one place, as `planner.verdict.judge` has them."""
    found: Ints = np.where(high <= budget_bytes, FITS, np.where(low <= budget_bytes, TIGHT, DOES_NOT_FIT))
    return found


@dataclass(frozen=True)
class Invalid:
    """A problem that makes combinations invalid, how many plans they are, and one of them to name it by."""

    problem: Problem
    plans: int
    example: Structure


@dataclass(frozen=True, eq=False)
class Explored:
    """Columns have one entry for each valid plan, in the order structure, rank, grid.

    structure: number in `space.structures`. rank: 0 where there is none. point: number in `space.grid`; micro_batch,
    accumulation (batches), max_length (tokens): what stands there. low, peak, high: bytes of the computing device's process
    at its fullest, as `Tier.low_bytes`, `peak_bytes`, `high_bytes`. elsewhere: verdict of all other places (RAM beside a card, disk). seconds: of one pass over the
    data, NaN where there is no time model. tokens_per_s: of training. trainable, saved: elements that are trained, bytes
    of the result. quality: class of what the structure can learn, 0 the best (`planner.explore.quality`).
    place: the device's name. budget_bytes: what it has for this run now, capacity_bytes: in all.
    """

    space: Space
    structure: Ints
    rank: Ints
    point: Ints
    micro_batch: Ints
    accumulation: Ints
    max_length: Ints
    low: Ints
    peak: Ints
    high: Ints
    elsewhere: Ints
    seconds: Floats
    tokens_per_s: Floats
    trainable: Ints
    saved: Ints
    quality: Ints
    place: str
    budget_bytes: int
    capacity_bytes: int
    invalid: tuple[Invalid, ...]
    elapsed_s: float

    def __len__(self) -> int:
        return len(self.structure)

    @property
    def invalid_plans(self) -> int:
        return self.space.combinations - len(self)

    def verdicts(self, budget_bytes: int | None = None) -> Ints:
        """FITS, TIGHT or DOES_NOT_FIT of each plan; budget_bytes: what if the device had so much for this run."""
        budget = self.budget_bytes if budget_bytes is None else budget_bytes
        found: Ints = np.maximum(verdicts_of(self.low, self.high, budget), self.elsewhere)
        return found

    def plan(self, i: int) -> Plan:
        """The plan of row `i`, which `estimate` gives the same figures for."""
        structure = self.space.structures[int(self.structure[i])]
        choices = next(c for number, c in structure.settings if number == int(self.rank[i]))
        return plan_of(self.space.plan, choices, self.space.grid[int(self.point[i])])

    def facets(self, i: int) -> Mapping[str, str]:
        """(question → answer) of row `i`: those of its structure."""
        return dict(self.space.structures[int(self.structure[i])].facets)
