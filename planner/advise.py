"""What would make a plan fit: the smallest changes first, each one a whole plan that has been estimated and fits.

Ways are looked for in this order, and a later kind is looked at only where no earlier one works: changes of answers,
options and batch, one or several together (`planner.ways` says what "smallest" means); then any combination of
techniques there is, at the plan's own length (`planner.explore`); then shorter rows; last a smaller model, and only
where no combination at all fits, be the rows as short as they may. What can be changed stands in `planner.changes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.advised import Change, change_of
from planner.between import between
from planner.changes import Step, applied, shorter_rows, smaller_model
from planner.estimate import Estimate, Verdict, estimate
from planner.facts.model import catalogue
from planner.facts.model.architectures import DENSE
from planner.plan import Plan
from planner.room import with_the_room_left
from planner.ways import Search, Way, stands

__all__ = ["Change", "advise", "with_the_room_left"]

MOST = 3
SHORTEST_LENGTH = 64  # tokens; a cut below teaches nothing


def advise(plan: Plan, now: Estimate) -> tuple[Change, ...]:
    """Ways to make `plan` fit, best first; none when it fits already, when it cannot be told, or when nothing helps."""
    if now.verdict not in (Verdict.TIGHT, Verdict.DOES_NOT_FIT):
        return ()
    search = Search(plan)
    if found := search.smallest(MOST):
        return tuple(change_of(now, f.steps, f.then) for f in found)
    length, shortest = plan.stage.schedule.max_length, _shortest(plan)
    at_own_length, at_shortest = _explored(plan, (length, shortest))
    if at_own_length:
        return (_change(plan, now, _needed(plan, between(plan, at_own_length))),)
    everything = search.thriftiest(search.questions)
    if shortest < length and (cuts := _with_a_cut(plan, now, everything, at_shortest)):
        return tuple(cuts[:MOST])
    return tuple(_smaller_models(plan, now, everything)[:MOST])


def _change(plan: Plan, now: Estimate, steps: Sequence[Step]) -> Change:
    return change_of(now, steps, estimate(applied(plan, steps)))


def _fits(plan: Plan) -> bool:
    return estimate(plan).verdict is Verdict.FITS


def _needed(plan: Plan, steps: Sequence[Step], last: Step | None = None) -> list[Step]:
    """The steps without those that it works without, the ones that lose or cost most dropped first. last: stays."""
    after = [last] if last else []
    kept = list(steps)
    for step in sorted(steps, key=lambda s: (-s.severity, -s.time)):
        without = [s for s in kept if s is not step]
        if (without or after) and stands(plan, without) and _fits(applied(plan, [*without, *after])):
            kept = without
    return [*kept, *after]


def _explored(plan: Plan, lengths: tuple[int, int]) -> list[Plan | None]:
    """Of all combinations of techniques the best that fits at each length, with as many rows at a time as fit.

    The best: that can learn most (`planner.explore.quality`), of those the nearest to the plan, of those the fastest.
    None where nothing fits with one row at a time.
    """
    import numpy as np  # a tenth of a second, and seldom needed

    from planner.explore.explored import FITS
    from planner.explore.search import explore
    from planner.explore.space import space_of

    schedule, now = plan.stage.schedule, plan.stage.choices
    rows = schedule.micro_batch * schedule.grad_accumulation
    found = explore(plan, replace(space_of(plan), grid=tuple((1, rows, length) for length in lengths)))
    fits = found.verdicts() == FITS
    best: list[Plan | None] = []
    for point in range(len(lengths)):
        fitting = np.flatnonzero(fits & (found.point == point))
        plans = [found.plan(int(i)) for i in fitting]
        changed = np.array([sum(a != b for a, b in zip(now, p.stage.choices, strict=True)) for p in plans])
        order = np.lexsort((found.peak[fitting], found.seconds[fitting], changed, found.quality[fitting]))
        best.append(_with_most_rows(plans[order[0]], schedule.micro_batch) if len(order) else None)
    return best


def _with_most_rows(plan: Plan, micro_batch: int) -> Plan:
    """The same with as many of these rows at a time as fit."""
    schedule = plan.stage.schedule
    for batch in range(micro_batch, 1, -1):
        if schedule.grad_accumulation % batch == 0:
            larger = replace(schedule, micro_batch=batch, grad_accumulation=schedule.grad_accumulation // batch)
            if _fits(plan.with_schedule(larger)):
                return plan.with_schedule(larger)
    return plan


def _with_a_cut(plan: Plan, now: Estimate, everything: Way, explored: Plan | None) -> list[Change]:
    """Shorter rows, alone and with what helps most: the longest that fits. explored: what fits with the shortest."""
    groups: list[Sequence[Step]] = [(), everything]
    found: list[Change] = []
    for group in [*groups, between(plan, _as_long(explored, plan)) if explored else ()]:
        if len(found) and group not in groups:
            break  # what exploring found is for where nothing else does
        if length := _longest_that_fits(applied(plan, group)):
            change = _change(plan, now, _needed(plan, group, shorter_rows(plan, length)))
            if change.verdict is Verdict.FITS and change.plan not in [c.plan for c in found]:
                found.append(change)
    return found


def _as_long(plan: Plan, other: Plan) -> Plan:
    return plan.with_schedule(replace(plan.stage.schedule, max_length=other.stage.schedule.max_length))


def _shortest(plan: Plan) -> int:
    """The shortest length worth having: the plan's own where the rows are no longer than that now."""
    longest = min(plan.stage.schedule.max_length, max(plan.data.lengths, default=1 << 30))
    return SHORTEST_LENGTH if longest > SHORTEST_LENGTH else plan.stage.schedule.max_length


def _longest_that_fits(plan: Plan) -> int:
    """The largest length, in steps of 8 tokens, with which the plan fits; 0 if none is worth it."""
    longest = min(plan.stage.schedule.max_length - 1, max(plan.data.lengths, default=1 << 30))
    low, high = SHORTEST_LENGTH // 8, max(SHORTEST_LENGTH // 8, longest // 8)
    if not _fits(shorter_rows(plan, low * 8).apply(plan)):
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(shorter_rows(plan, middle * 8).apply(plan)):
            low = middle
        else:
            high = middle - 1
    return low * 8


def _smaller_models(plan: Plan, now: Estimate, everything: Way) -> list[Change]:
    """The largest smaller model of the catalogue that fits, with this plan and with everything else that helps."""
    found: list[Change] = []
    for group in ((), everything):
        for name in sorted(catalogue.names(), key=lambda n: -catalogue.find(n).params):
            model = catalogue.find(name)
            if model.family != DENSE or model.params >= plan.model.params:
                continue
            step = smaller_model(plan, name)
            if _fits(applied(plan, [*group, step])):
                change = _change(plan, now, _needed(plan, group, step))
                if change.plan not in [c.plan for c in found]:
                    found.append(change)
                break
    return sorted(found, key=lambda c: -c.plan.model.params)
