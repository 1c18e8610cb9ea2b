"""The longest batches of a grid as columns, in groups that the same formulas hold for: with a mask or
not, accumulated or not, longer than a sliding window or not."""

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
        rows = [(p, shape, grid[p][1]) for p, one in enumerate(drawn) for shape in one.heaviest]
        places = [place for one in drawn for place, _ in enumerate(one.heaviest)]
        window = plan.model.sliding_window

        def kind_of(row: tuple[int, BatchShape, int]) -> tuple[bool, bool, bool]:
            _, shape, accumulation = row
            return shape.padded, accumulation > 1, bool(window) and int(shape.seq) > window

        order = sorted(range(len(rows)), key=lambda i: kind_of(rows[i]))
        rows = [rows[i] for i in order]
        self._place = np.array([places[i] for i in order], dtype=np.int64)  # among the shapes of its point
        self.points = len(grid)
        self.point = np.array([p for p, *_ in rows], dtype=np.int64)
        self.certain = np.array([shape.certain for _, shape, _ in rows])
        self.different = np.array([drawn[p].different for p, *_ in rows], dtype=np.int64)
        self.groups: list[Group] = []
        kinds = [kind_of(row) for row in rows]
        for kind in dict.fromkeys(kinds):
            padded, accumulated, _ = kind
            here = [i for i, other in enumerate(kinds) if other == kind]
            of_group = [rows[i] for i in here]
            batch = BatchShape(
                _column([shape.rows for _, shape, _ in of_group]),
                _column([shape.seq for _, shape, _ in of_group]),
                padded,
                all(shape.certain for _, shape, _ in of_group),
            )
            schedule = replace(plan.stage.schedule, grad_accumulation=2 if accumulated else 1)
            one = begun(plan.with_schedule(schedule), 0, batch)
            one = one._replace(accumulation=_column([n for *_, n in of_group]))
            self.groups.append(Group(here[0], here[-1] + 1, one))

    def __len__(self) -> int:
        return len(self.point)

    def heaviest(self, live: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which shape each point's plan is estimated for: that with the largest live bytes, of equal ones the first.

        live: plans × shapes. Returns plans × points, or one row for all plans where every point has one shape.
        """
        order = np.lexsort((self._place, self.point))
        if len(self) == self.points:
            return order[None, :]
        found = np.zeros((len(live), self.points), dtype=np.int64)
        best = np.full((len(live), self.points), -1, dtype=np.int64)
        for column in order:
            p = self.point[column]
            better = live[:, column] > best[:, p]
            found[better, p], best[better, p] = column, live[better, column]
        return found


def _column(numbers: list[int]) -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)
