"""Plans that differ only in batch and length, as one leaf of a tree of techniques; what leaves share is worked out once.

A leaf's lines are those of its beginning and those that its last techniques add, so sums are kept for each beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.draft import Draft
from planner.drafting import applied
from planner.explore.lines_of import Sums, side_by_side, sums_of
from planner.explore.quality import quality_of
from planner.explore.shapes import Shapes
from planner.ledger import DEVICE, HOST, Line, Place
from planner.plan import Choice, Plan
from planner.slots import ORDER, Slot
from planner.stored import stored
from planner.timing.rates import Rates
from planner.timing.rates_of import rates_of
from planner.timing.speed import speed_of

FIRST_LINES = ORDER[Slot.OBJECTIVE]  # techniques before it write none


@dataclass(frozen=True, slots=True)
class Leaf:
    """structure: its number; rank; draft: of one group of batches, for what does not depend on them. trainable: elements;
    saved: bytes of the result."""

    structure: int
    rank: int
    draft: Draft
    sums: Sums
    rates: Rates | None
    trainable: int
    saved: int
    quality: int


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The first techniques of a combination. drafts: by group, without the lines that are summed already."""

    drafts: tuple[Draft, ...]
    sums: Sums | None


class Leaves:
    """All leaves of one exploration, in the order in which they were added."""

    def __init__(self, plan: Plan, shapes: Shapes) -> None:
        self._shapes = shapes
        self._speed = speed_of(plan)
        self._known: dict[tuple[int, ...], _Beginning] = {}
        self._places: dict[tuple[Choice, ...], tuple[Choice, ...]] = {}
        self._of_columns: dict[tuple[int, ...], Sums] = {}
        self._alive: list[object] = []  # whose identities are keys
        self._root = _Beginning(tuple(group.draft for group in shapes.groups), None)
        self.main: Place = HOST if self._root.drafts[0].device == "cpu" else DEVICE
        self.every: list[Leaf] = []

    def add(self, structure: int, rank: int, choices: tuple[Choice, ...]) -> None:
        """choices: in slot order, valid together."""
        places = tuple(c for c in choices if c.slot is Slot.PLACEMENT)
        places = self._places.setdefault(places, places)  # it comes last, so that each combination has one of its own
        others = tuple(c for c in choices if c.slot is not Slot.PLACEMENT)
        whole = self._begun(others, places)
        assert whole.sums is not None
        draft = whole.drafts[0]
        every = [stored(stack) for stack in draft.stacks]
        self.every.append(
            Leaf(
                structure,
                rank,
                draft,
                whole.sums,
                rates_of(draft, self._speed) if self._speed is not None else None,
                sum(x.trained_elements for x in every),
                sum(x.adapter_bytes or x.weight_bytes for x in every),
                quality_of(choices),
            )
        )

    def _begun(self, choices: tuple[Choice, ...], places: tuple[Choice, ...]) -> _Beginning:
        if not choices:
            return self._root
        key = tuple([id(c) for c in (*choices, *places)])
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._next(self._begun(choices[:-1], places), choices[-1], places)
            self._alive.append((choices, places))
        return known

    def _next(self, before: _Beginning, choice: Choice, places: tuple[Choice, ...]) -> _Beginning:
        """One technique more; what it writes is placed and added to the sums."""
        drafts = tuple([applied((choice,), draft) for draft in before.drafts])
        if ORDER[choice.slot] < FIRST_LINES:
            return _Beginning(drafts, None)
        placed = [applied(places, draft) for draft in drafts]
        sums = self._sums([draft.lines for draft in placed], drafts[0])
        if before.sums is not None:
            sums = before.sums.plus(sums)
        return _Beginning(tuple([draft._replace(lines=()) for draft in drafts]), sums)

    def _sums(self, lines: list[tuple[Line, ...]], draft: Draft) -> Sums:
        """Over all groups. Lines that no batch changes are the same ones in each, and are summed once for all plans."""
        key = tuple([id(line) for line in lines[0]])
        if all(tuple([id(line) for line in other]) == key for other in lines) and not any(
            np.ndim(line.bytes) for line in lines[0]
        ):
            if key not in self._of_columns:
                self._of_columns[key] = sums_of(lines[0], draft.timeline, self.main, 1)
                self._alive.append(lines[0])
            return self._of_columns[key]
        parts = [
            sums_of(of_group, draft.timeline, self.main, group.end - group.start)
            for of_group, group in zip(lines, self._shapes.groups, strict=True)
        ]
        return side_by_side(parts)
