"""The longest batches of a grid as columns, in groups that the same formulas hold for: with a mask or
not, accumulated or not, longer than a sliding window or not; those of evaluations likewise."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.draft import Draft
from planner.drafting import begun
from planner.explore.batches import Points, batches_on
from planner.facts.data import BatchShape
from planner.plan import Plan


class Group(NamedTuple):
    """Columns `start` to `end` of the shapes, and a draft for all of them before any technique."""

    start: int
    end: int
    draft: Draft


class Shapes:
    """Every shape that may be the heaviest of its point. point: which; different: token counts of the point's batches;
    certain: whether the shape is known."""

    def __init__(self, plan: Plan, grid: Points) -> None:
        drawn = batches_on(plan.data, plan.stage.schedule, grid)
        rows = [(p, both, grid[p][1]) for p, one in enumerate(drawn) for both in one.together]
        places = [place for one in drawn for place, _ in enumerate(one.together)]
        window = plan.model.sliding_window

        def kind_of(row: tuple[int, tuple[BatchShape, BatchShape | None], int]) -> tuple[bool, ...]:
            _, (shape, evaluated), accumulation = row
            masked = [(x.padded, bool(window) and int(x.seq) > window) for x in (shape, evaluated or shape)]
            # those with an evaluation first: the first group's timeline is that of all
            return evaluated is None, *masked[0], accumulation > 1, *masked[1]

        order = sorted(range(len(rows)), key=lambda i: kind_of(rows[i]))
        rows = [rows[i] for i in order]
        self._place = np.array([places[i] for i in order], dtype=np.int64)  # among the shapes of its point
        self.points = len(grid)
        self.point = np.array([p for p, *_ in rows], dtype=np.int64)
        self.certain = np.array([shape.certain for _, (shape, _), _ in rows])
        self.different = np.array([drawn[p].different for p, *_ in rows], dtype=np.int64)
        self.groups: list[Group] = []
        kinds = [kind_of(row) for row in rows]
        for kind in dict.fromkeys(kinds):
            here = [i for i, other in enumerate(kinds) if other == kind]
            of_group = [rows[i] for i in here]
            batch = _columns([shape for _, (shape, _), _ in of_group])
            assert batch is not None
            evaluated = _columns([other for _, (_, other), _ in of_group if other is not None])
            accumulation = [n for *_, n in of_group]
            schedule = replace(plan.stage.schedule, grad_accumulation=2 if accumulation[0] > 1 else 1)
            one = begun(plan.with_schedule(schedule), 0, batch, evaluated)
            one = one._replace(accumulation=_column(accumulation))
            self.groups.append(Group(here[0], here[-1] + 1, one))

    def __len__(self) -> int:
        return len(self.point)

    def heaviest(self, live: NDArray[np.int64], evaluated: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Which shapes each point's plan is estimated for: that with the largest live bytes beside its evaluations, of
        equal ones that with the largest in an evaluation, of these the first.

        live, evaluated: plans × shapes. Returns plans × points, or one row for all plans where every point has one shape.
        """
        order = np.lexsort((self._place, self.point))
        if len(self) == self.points:
            return order[None, :]
        found = np.zeros((len(live), self.points), dtype=np.int64)
        best = np.full((len(live), self.points), -1, dtype=np.int64)
        then = best.copy()
        for column in order:
            p = self.point[column]
            better = live[:, column] > best[:, p]
            if evaluated is not None:
                better |= (live[:, column] == best[:, p]) & (evaluated[:, column] > then[:, p])
                then[better, p] = evaluated[better, column]
            found[better, p], best[better, p] = column, live[better, column]
        return found


def _columns(shapes: list[BatchShape]) -> BatchShape | None:
    """Shapes of one kind as one; None of none."""
    if not shapes:
        return None
    certain = all(shape.certain for shape in shapes)
    return BatchShape(_column([x.rows for x in shapes]), _column([x.seq for x in shapes]), shapes[0].padded, certain)


def _column(numbers: list[int]) -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)
