"""Exploring for the page: on whatever thread, remembered, and with the plans a person means found again in what came of it.

It knows no widget. What is remembered is found by what decides it, so that a plan taken from the chart, which has the same
space around it, and one step back in the history cost no second search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.pages.explore.facets import Facets
from app.pages.explore.looked import Looked, look_at, row_of
from app.pages.explore.shown import Columns
from planner.estimate import Estimate
from planner.explore.explored import Explored
from planner.explore.search import explore
from planner.explore.space import Space, space_of
from planner.plan import Plan
from planner.timing.timed import Timed, timed

KEPT = 3  # explorations remembered; each is some tens of MB at most

Explore = Callable[[Plan, Space], Explored]


@dataclass(frozen=True)
class Found:
    """What came of exploring around the plan of `estimate`. rows: of the plans that were asked for, in that order, None
    where they are not among the explored. time: of the plan itself."""

    estimate: Estimate
    explored: Explored
    facets: Facets
    columns: Columns
    own: Looked | None
    time: Timed | None
    rows: tuple[int | None, ...]
    again: bool


class Finder:
    """One search at a time: the page sees to that."""

    def __init__(self, search: Explore = explore) -> None:
        self._search = search
        self._known: list[tuple[Any, Explored, Facets, Columns]] = []

    def find(self, now: Estimate, wanted: tuple[Plan | None, ...]) -> Found:
        """Explore around the plan of `now`; the same space again is looked up. Raises ProblemError as `explore` does."""
        space = space_of(now.plan)
        key = _decides(space)
        kept = next((k for k in self._known if k[0] == key), None)
        if kept is None:
            explored = self._search(now.plan, space)
            facets, columns = Facets(explored), Columns(explored)
        else:
            self._known.remove(kept)
            _, before, facets, columns = kept
            explored = replace(before, space=replace(before.space, plan=now.plan))
        self._known = [*self._known[1 - KEPT :], (key, explored, facets, columns)]
        time = timed(now.plan) if now.tiers else None
        own = look_at(explored, now, time.seconds_per_epoch[1] if time else float("nan"))
        rows = tuple(row_of(explored, plan) if plan is not None else None for plan in wanted)
        return Found(now, explored, facets, columns, own.looked if own else None, time, rows, kept is not None)


def _decides(space: Space) -> tuple[Any, ...]:
    """All that the figures of a space follow from: everything but how the plan itself answers."""
    plan = space.plan
    schedule = replace(plan.stage.schedule, micro_batch=1, grad_accumulation=1, max_length=8)
    return (plan.model, plan.data, plan.machine, schedule, plan.stages[1:], space.grid, space.structures)
