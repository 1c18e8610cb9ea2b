"""What would make a plan fit: the smallest changes first, each one a whole plan that has been estimated.

Ways are looked for in this order, and a later kind is looked at only where no earlier one works: one change, two,
several together; then shorter rows; last a smaller model. Among ways of one kind the one that loses least comes
first, then the one that costs least time. What can be changed at all stands in `planner.changes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from planner.changes import (
    Step,
    applied,
    larger_batches,
    longer_rows,
    richer,
    shorter_rows,
    single_changes,
    smaller_model,
)
from planner.estimate import Estimate, Tier, Verdict, estimate
from planner.facts.model import catalogue
from planner.facts.model.architectures import DENSE
from planner.plan import Plan
from planner.slots import Slot
from planner.units import words

MOST = 5
SHORTEST_LENGTH = 64  # tokens; a cut below teaches nothing


@dataclass(frozen=True)
class Change:
    """One way to a better plan. slot: the question it answers anew, None for several or for the schedule's `field`.

    saves_bytes: at the peak of the fullest place (negative: takes more). time_factor: seconds per token against the
    plan as it is, time_source: where that is from. loses: what is given up; empty for nothing.
    """

    title: str
    detail: str
    plan: Plan
    verdict: Verdict
    saves_bytes: int
    slot: Slot | None = None
    field: str = ""
    time_factor: float = 1.0
    time_source: str = ""
    loses: str = ""


def advise(plan: Plan, now: Estimate) -> tuple[Change, ...]:
    """Ways to make `plan` fit, best first; none when it fits already or when it cannot be told."""
    if now.verdict not in (Verdict.TIGHT, Verdict.DOES_NOT_FIT):
        return ()
    steps = [s for s in single_changes(plan) if s.severity >= 0]
    found = _smallest(plan, now, steps)
    if not found:
        found = _with_a_cut(plan, now, steps) or _smaller_models(plan, now, steps)
        if now.verdict is Verdict.DOES_NOT_FIT and (tight := _together(plan, now, steps, wanted=Verdict.TIGHT)):
            found = [tight, *found]
    return tuple(found[:MOST])


def with_the_room_left(plan: Plan, now: Estimate) -> tuple[Change, ...]:
    """For a plan that fits: what else would fit, the most worthwhile first, each with its extra bytes."""
    if now.verdict is not Verdict.FITS:
        return ()
    found = []
    for step in (*richer(plan), *longer_rows(plan), *larger_batches(plan)):
        change = _change(now, [step], _estimated(step.apply(plan)))
        if change.verdict is Verdict.FITS and change.saves_bytes <= 0:
            found.append((step.severity, change))
    best: dict[str, tuple[int, Change]] = {}
    for severity, change in found:  # of one field the largest that fits: they come in rising order
        best[f"{change.slot}.{change.field}"] = (severity, change)
    return tuple(c for _, c in sorted(best.values(), key=lambda x: (x[0], x[1].time_factor))[:MOST])


@lru_cache(maxsize=256)
def _estimated(plan: Plan) -> Estimate:
    """The search comes back to the same plans again and again."""
    return estimate(plan)


def _smallest(plan: Plan, now: Estimate, steps: Sequence[Step]) -> list[Change]:
    """Single changes that fit; pairs and more only where they lose less than any smaller way."""
    ways: list[Change] = []
    least_lost = 1 << 30
    alone = {id(s): _estimated(s.apply(plan)).verdict for s in steps}
    for size in (1, 2):
        fitting: dict[tuple[str, ...], tuple[int, float, Change]] = {}
        for group in combinations(steps, size):
            keys = tuple(sorted(s.key for s in group))
            lost = max(s.severity for s in group)
            if len(set(keys)) < size or lost >= least_lost:
                continue
            if size > 1 and any(alone[id(s)] is Verdict.FITS for s in group):
                continue  # more change than needed
            then = _estimated(applied(plan, group))
            if then.verdict is Verdict.FITS:
                change = _change(now, group, then)
                rank = (lost, change.time_factor)
                if keys not in fitting or rank < fitting[keys][:2]:
                    fitting[keys] = (*rank, change)
        ways += [c for *_, c in sorted(fitting.values(), key=lambda x: x[:2])]
        least_lost = min([least_lost, *(lost for lost, *_ in fitting.values())])
    if least_lost > 0 and (together := _together(plan, now, [s for s in steps if s.severity < least_lost])):
        ways.append(together)
    return ways


def _together(plan: Plan, now: Estimate, steps: Sequence[Step], *, wanted: Verdict = Verdict.FITS) -> Change | None:
    """As many changes as it takes, the harmless ones first, then without those that are not needed."""
    enough = (Verdict.FITS,) if wanted is Verdict.FITS else (Verdict.FITS, Verdict.TIGHT)
    taken: dict[str, Step] = {}
    for ceiling in sorted({s.severity for s in steps}):
        taken = _thriftiest(plan, [s for s in steps if s.severity <= ceiling], taken)
        if _estimated(applied(plan, taken.values())).verdict in enough:
            break
    else:
        return None
    group = _needed(plan, list(taken.values()), enough)
    return _change(now, group, _estimated(applied(plan, group)))


def _needed(plan: Plan, steps: list[Step], enough: tuple[Verdict, ...], last: Step | None = None) -> list[Step]:
    """The steps without those that it works without, the ones that lose or cost most dropped first. last: stays."""
    after = [last] if last else []
    for step in sorted(steps, key=lambda s: (-s.severity, -s.time)):
        without = [s for s in steps if s is not step]
        if _estimated(applied(plan, [*without, *after])).verdict in enough:
            steps = without
    return [*steps, *after]


def _thriftiest(plan: Plan, steps: Sequence[Step], taken: dict[str, Step]) -> dict[str, Step]:
    """The steps that together need least: one after another, whichever helps most, until none does."""
    taken = dict(taken)
    need = _need(_estimated(applied(plan, taken.values())))
    while True:
        best: Step | None = None
        for step in steps:
            if taken.get(step.key) is step:
                continue
            then = _need(_estimated(applied(plan, {**taken, step.key: step}.values())))
            if then < need:
                need, best = then, step
        if best is None:
            return taken
        taken[best.key] = best


def _need(now: Estimate) -> tuple[int, int]:
    """How far over the budget the worst place is; and all moments together, which a change away from the peak lowers."""
    if not now.tiers:
        return (1 << 62, 0)
    over = max(t.high_bytes - t.budget_bytes for t in now.tiers)
    return over, sum(total for t in now.tiers if t.place.tier != "disk" for _, total in t.totals)


def _with_a_cut(plan: Plan, now: Estimate, steps: Sequence[Step]) -> list[Change]:
    """Shorter rows, alone and with everything else that helps: the longest that fits."""
    found = []
    everything = list(_thriftiest(plan, steps, {}).values())
    for group in ([], everything):
        base = applied(plan, group)
        if length := _longest_that_fits(base):
            group = _needed(plan, group, (Verdict.FITS,), shorter_rows(plan, length))
            change = _change(now, group, _estimated(applied(plan, group)))
            if change.verdict is Verdict.FITS:
                found.append(change)
    return found


def _longest_that_fits(plan: Plan) -> int:
    """The largest length, in steps of 8 tokens, with which the plan fits; 0 if none is worth it."""
    longest = min(plan.stage.schedule.max_length - 1, max(plan.data.lengths, default=1 << 30))
    low, high = SHORTEST_LENGTH // 8, longest // 8
    if low > high or _estimated(shorter_rows(plan, low * 8).apply(plan)).verdict is not Verdict.FITS:
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        if _estimated(shorter_rows(plan, middle * 8).apply(plan)).verdict is Verdict.FITS:
            low = middle
        else:
            high = middle - 1
    return low * 8


def _smaller_models(plan: Plan, now: Estimate, steps: Sequence[Step]) -> list[Change]:
    """The largest smaller model of the catalogue that fits, with this plan and with everything else that helps."""
    everything = list(_thriftiest(plan, steps, {}).values())
    found: list[Change] = []
    for group in ([], everything):
        for name in sorted(catalogue.names(), key=lambda n: -catalogue.find(n).params):
            model = catalogue.find(name)
            if model.family != DENSE or model.params >= plan.model.params:
                continue
            step = smaller_model(plan, name)
            if _estimated(applied(plan, [*group, step])).verdict is Verdict.FITS:
                steps_left = _needed(plan, group, (Verdict.FITS,), step)
                found.append(_change(now, steps_left, _estimated(applied(plan, steps_left))))
                break
    return sorted(found, key=lambda c: -c.plan.model.params)


def _fullest(now: Estimate) -> Tier:
    return max(now.tiers, key=lambda t: t.high_bytes - t.budget_bytes)


def _change(now: Estimate, steps: Sequence[Step], then: Estimate) -> Change:
    """The change with its figures, measured at the place that is fullest now."""
    saves = 0
    if now.tiers and then.tiers:
        place = _fullest(now)
        after = next((t for t in then.tiers if t.place == place.place), None)
        saves = place.peak_bytes - after.peak_bytes if after else place.peak_bytes
    time = 1.0
    for step in steps:
        time *= step.time
    source = "; ".join(dict.fromkeys(s.source for s in steps if s.source))
    loses = "; ".join(dict.fromkeys(s.loses for s in steps if s.loses))
    only = steps[0] if len(steps) == 1 else None
    return Change(
        title=" · ".join(s.title for s in steps),
        detail=_detail(saves, time, loses, then),
        plan=then.plan,
        verdict=then.verdict,
        saves_bytes=saves,
        slot=only.slot if only else None,
        field=only.field if only else "",
        time_factor=round(time, 2),
        time_source=source,
        loses=loses,
    )


def _detail(saves: int, time: float, loses: str, then: Estimate) -> str:
    parts = [f"{words(saves)} less." if saves >= 0 else f"{words(-saves)} more."]
    if abs(time - 1) >= 0.05:
        parts.append(f"About {time:.1f} × the time per token.")
    parts.append(f"Gives up: {loses}." if loses else "Gives up nothing else." if time >= 1.05 else "Gives up nothing.")
    return " ".join([*parts, then.reason.split(". ")[0] + "."])
