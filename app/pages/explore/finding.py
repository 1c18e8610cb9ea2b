"""Exploring for the page: on whatever thread, remembered, and with the plans a person means found again in what came of it.

It knows no widget. A plan taken from the chart is one of those that were explored, and so is the plan one step back in the
history: neither costs a second search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from app.pages.explore.facets import Facets
from app.pages.explore.looked import Looked, look_at, row_of
from app.pages.explore.shown import Columns
from planner.estimate import Estimate
from planner.explore.explored import Explored
from planner.explore.search import explore
from planner.explore.space import Space, grid_of, space_of
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


class _Kept(NamedTuple):
    decides: tuple[Any, ...]
    explored: Explored
    facets: Facets
    columns: Columns


class Finder:
    """One search at a time: the page sees to that."""

    def __init__(self, search: Explore = explore) -> None:
        self._search = search
        self._known: list[_Kept] = []

    def find(self, now: Estimate, wanted: tuple[Plan | None, ...]) -> Found:
        """Explore around the plan of `now`; the same space again is looked up. Raises ProblemError as `explore` does."""
        plan = now.plan
        decides = _decides(plan)
        alike = [kept for kept in self._known if kept.decides == decides]
        kept = next((one for one in alike if row_of(_around(one.explored, plan), plan) is not None), None)
        again = kept is not None
        if kept is None:
            explored = self._search(plan, space_of(plan))
            kept = _Kept(decides, explored, Facets(explored), Columns(explored))
        explored, facets, columns = _around(kept.explored, plan), kept.facets, kept.columns
        self._known = [*[one for one in self._known if one is not kept][1 - KEPT :], kept]
        time = timed(now.plan) if now.tiers else None
        own = look_at(explored, now, time.seconds_per_epoch[1] if time else float("nan"))
        rows = tuple(row_of(explored, plan) if plan is not None else None for plan in wanted)
        return Found(now, explored, facets, columns, own.looked if own else None, time, rows, again)


def _around(explored: Explored, plan: Plan) -> Explored:
    """The same rows, around another plan of theirs."""
    return replace(explored, space=replace(explored.space, plan=plan))


def _decides(plan: Plan) -> tuple[Any, ...]:
    """All that the figures of a space follow from, its combinations aside."""
    schedule = replace(plan.stage.schedule, micro_batch=1, grad_accumulation=1, max_length=8)
    return plan.model, plan.data, plan.machine, schedule, plan.stages[1:], tuple(grid_of(plan))
