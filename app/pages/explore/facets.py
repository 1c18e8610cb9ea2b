"""Which of the explored plans are shown: a question with its answers, each ticked or not, and how many plans each has.

Qt-free, and quick enough for the GUI thread: what belongs to a combination of techniques is decided for each of some
hundreds of combinations and only then looked up for each of a hundred thousand plans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from planner.explore.explored import Explored, Ints, Mask
from planner.explore.worth import own_length
from planner.slots import QUESTIONS, Slot

RANK, LENGTH, BATCH = "Rank", "Length", "Batch"
OF_ROWS = (RANK, LENGTH, BATCH)
"""What differs between plans of one combination of techniques."""

Hidden: TypeAlias = Mapping[str, frozenset[str]]
"""Answers without a tick, by question. By their words, so that they mean the same when the plan changes."""


@dataclass(frozen=True, eq=False)
class Facet:
    """One question. codes: number of the answer, −1 where the question does not arise; one entry for each combination
    of techniques, or for each plan where the question is one of `OF_ROWS`."""

    name: str
    answers: tuple[str, ...]
    codes: Ints

    @property
    def of_rows(self) -> bool:
        return self.name in OF_ROWS

    def ticked(self, hidden: Hidden) -> Mask:
        """For each code whether it may be shown; the last entry is for −1, where the question does not arise."""
        off = hidden.get(self.name, frozenset())
        return np.array([answer not in off for answer in self.answers] + [True])


class Facets:
    """The questions that have more than one answer among what was explored."""

    def __init__(self, explored: Explored) -> None:
        self._explored = explored
        self.all = tuple(f for f in _in_order([*_of_structures(explored), *_of_rows(explored)]) if len(f.answers) > 1)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.all)

    def facet(self, name: str) -> Facet | None:
        return next((f for f in self.all if f.name == name), None)

    def mask(self, hidden: Hidden, *, but: Sequence[str] = ()) -> Mask:
        """Which plans are shown. but: questions that are not asked."""
        structures, rows = self._ticked(hidden, but)
        return rows & structures[self._explored.structure]

    def counts(self, hidden: Hidden) -> dict[str, tuple[int, ...]]:
        """For each question how many plans each answer has beside the other questions' ticks."""
        found: dict[str, tuple[int, ...]] = {}
        structures, rows = self._ticked(hidden)
        of_structure = self._explored.structure
        per_structure = np.bincount(of_structure[rows], minlength=len(structures)).astype(np.float64)
        for facet in self.all:
            if facet.of_rows:
                others = self.mask(hidden, but=(facet.name,))
                codes = facet.codes[others & (facet.codes >= 0)]
                of_answers = np.bincount(codes, minlength=len(facet.answers))
            else:
                asked = self._ticked(hidden, (facet.name,))[0] & (facet.codes >= 0)
                of_answers = np.bincount(facet.codes[asked], per_structure[asked], minlength=len(facet.answers))
            found[facet.name] = tuple(int(n) for n in of_answers)
        return found

    def _ticked(self, hidden: Hidden, but: Sequence[str] = ()) -> tuple[Mask, Mask]:
        """For each combination of techniques, and for each plan, whether what belongs to it is ticked."""
        structures = np.ones(len(self._explored.space.structures), dtype=bool)
        rows = np.ones(len(self._explored), dtype=bool)
        for facet in self.all:
            if facet.name in but or not hidden.get(facet.name):
                continue
            ticked = facet.ticked(hidden)[facet.codes]
            if facet.of_rows:
                rows &= ticked
            else:
                structures &= ticked
        return structures, rows


def number(n: int) -> str:
    """An answer that is a number: `1,024`."""
    return f"{n:,}"


def other_lengths(explored: Explored) -> frozenset[str]:
    """Every length but the plan's own, so that no more is cut off rows than the person has chosen."""
    own = own_length(explored)
    return frozenset(number(length) for _, _, length in explored.space.grid if length != own)


def _of_structures(explored: Explored) -> list[Facet]:
    structures = explored.space.structures
    valid = np.zeros(len(structures), dtype=bool)
    valid[explored.structure] = True
    codes: dict[str, NDArray[np.int64]] = {}
    answers: dict[str, dict[str, int]] = {}
    for i, structure in enumerate(structures):
        for name, answer in structure.facets:
            if name not in codes:
                codes[name], answers[name] = np.full(len(structures), -1, dtype=np.int64), {}
            if valid[i]:
                codes[name][i] = answers[name].setdefault(answer, len(answers[name]))
    return [Facet(name, tuple(answers[name]), codes[name]) for name in codes]


def _of_rows(explored: Explored) -> list[Facet]:
    found = []
    for name, column in ((RANK, explored.rank), (LENGTH, explored.max_length), (BATCH, explored.micro_batch)):
        values, codes = np.unique(column, return_inverse=True)
        none = int(name == RANK and len(values) > 0 and values[0] == 0)
        found.append(Facet(name, tuple(number(int(v)) for v in values[none:]), codes.astype(np.int64) - none))
    return found


def _in_order(facets: list[Facet]) -> list[Facet]:
    """What is asked of everybody first, in the order of the form; then what a technique asks beside it."""
    questions = list(QUESTIONS.values())
    after = {RANK: Slot.TRAINABLE, LENGTH: Slot.TRAINABLE, BATCH: Slot.TRAINABLE}

    def place(facet: Facet) -> tuple[int, int]:
        if facet.name in after:
            return questions.index(QUESTIONS[after[facet.name]]), 1 + OF_ROWS.index(facet.name)
        return (questions.index(facet.name), 0) if facet.name in questions else (len(questions), 0)

    return sorted(facets, key=place)
