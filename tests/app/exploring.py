"""A few hundred explored plans for the Explore page's tests, and the page with them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from app.pages.explore.finding import Finder, Found
from planner.estimate import estimate
from planner.explore.explored import Explored
from planner.explore.search import explore
from planner.explore.space import Space, space_of
from planner.plan import Plan
from planner.units import GIB
from tests.planner.explore.brute import small_plan, some_of


def few(plan: Plan, _space: Space | None = None) -> Explored:
    """What `explore` finds in a part of the space: some combinations, few batches and lengths, and the plan's own."""
    space, schedule = space_of(plan), plan.stage.schedule
    lengths = {length for *_, length in space.grid[-15:]} | {schedule.max_length}
    grid = tuple(p for p in space.grid if p[0] in (1, 4, 16, schedule.micro_batch) and p[2] in lengths)
    return explore(plan, replace(some_of(plan, every=29), grid=grid))


@cache
def found(free_gib: float = 2.0) -> Found:
    """Around a plan of a small model on a computer with so much memory free."""
    plan = small_plan(free_bytes=round(free_gib * GIB))
    return Finder(few).find(estimate(plan), (None, None, None))
