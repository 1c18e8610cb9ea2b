"""From the page's state to what its charts are given: places, markers, sentences. Without widgets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.pages.explore.looked import TRAINED, WEIGHTS
from app.pages.explore.marks import groups_of
from app.pages.explore.points import MOST_GROUPS, Group, ScatterData
from app.pages.explore.state import ExploreState
from planner.explore.costs import QUALITY
from planner.explore.explored import Explored, Ints

PLACES = ("best", *(f"{n}{end}" for n, end in ((2, "nd"), (3, "rd"), *((n, "th") for n in range(4, 20)))))
"""Classes on the axis, where their words have no room."""


class Columns:
    """The scatter's columns of one exploration and one cost, made once, so that a filter or a drag repaints no axis."""

    def __init__(self, explored: Explored) -> None:
        self.explored = explored
        self.x = explored.peak.astype(np.float64)
        self.group, self.groups = groups(explored)
        self._y: dict[tuple[str, float], NDArray[np.float64]] = {}

    def y(self, state: ExploreState) -> NDArray[np.float64]:
        """The cost; classes so that the better one stands higher."""
        key = (state.cost.key, state.per_hour)
        if key not in self._y:
            column = np.asarray(state.cost.column(self.explored), dtype=np.float64)
            self._y = {key: -column if state.cost is QUALITY else column}
        return self._y[key]


def scatter_data(state: ExploreState, columns: Columns) -> ScatterData:
    """The plans of the state as points."""
    explored, cost = columns.explored, state.cost
    y = columns.y(state)
    known = y[np.isfinite(y)]
    even = cost is QUALITY
    ticks = tuple((float(n), PLACES[-int(n)]) for n in np.unique(known)) if even else ()
    return ScatterData(
        x=columns.x,
        y=y,
        group=columns.group,
        groups=columns.groups,
        among=state.among,
        frontier=state.frontier,
        budget_bytes=explored.budget_bytes,
        capacity_bytes=explored.capacity_bytes,
        y_title=cost.title,
        y_words=(lambda value: cost.text(-value)) if even else cost.text,
        log_y=not even and bool(len(known)) and bool(known.min() > 0),
        sentence=state.sentence(),
        y_ticks=ticks,
    )


def marker_counts(state: ExploreState, columns: Columns) -> list[int]:
    """How many of the plans shown have each marker."""
    counts = np.bincount(columns.group[state.among], minlength=len(columns.groups))
    return [int(n) for n in counts]


def groups(explored: Explored) -> tuple[Ints, tuple[Group, ...]]:
    """Which marker each plan has: what its weights are and what is trained, or only the latter where that is too many."""
    for questions in ((WEIGHTS, TRAINED), (TRAINED,), (WEIGHTS,)):
        names = [" · ".join(dict(s.facets).get(q, "") for q in questions) for s in explored.space.structures]
        used = [names[i] for i in np.unique(explored.structure)]
        order = {name: n for n, name in enumerate(dict.fromkeys(used))}
        if len(order) <= MOST_GROUPS:
            codes = np.array([order.get(name, 0) for name in names], dtype=np.int64)
            return codes[explored.structure] if len(codes) else explored.structure, groups_of(tuple(order))
    return np.zeros(len(explored), dtype=np.int64), groups_of(("plan",))
