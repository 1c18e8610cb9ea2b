"""From a plan to an estimate: a ledger, a peak for every place, a verdict and its reason. A pure function.

`Reserved` (what the allocator and the runtime hold beside live tensors) stands beside the ledger, never in it: it
depends on the order of events, not on a sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from planner.draft import Draft
from planner.facts.data import BatchShape, longest_batch
from planner.facts.machine import Device, Holder
from planner.facts.model.families import stacks_of
from planner.ledger import DEVICE, DISK, HOST, MOMENTS, At, Line, Place
from planner.options import bounds_problems
from planner.plan import Plan
from planner.problem import Problem, ProblemError
from planner.reserved import band, why
from planner.slots import QUESTIONS, Slot
from planner.techniques.registry import slots, technique
from planner.units import Num, maximum, words

SAMPLE_TOKENS = 48  # of the answer before and after, as in RunSpec


class Verdict(StrEnum):
    FITS = "fits"
    TIGHT = "tight"
    DOES_NOT_FIT = "does_not_fit"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Reserved:
    """Bytes beside the ledger at the peak: low, expected and high, with the sentence that says where they come from."""

    low: int
    expected: int
    high: int
    why: str


@dataclass(frozen=True)
class Tier:
    """One place with its budget. budget_bytes: what this run may take now (free now + what it gives back).

    totals: live bytes by instant, in timeline order. peak_*: live peak plus `Reserved`.
    """

    place: Place
    name: str
    capacity_bytes: int
    budget_bytes: int
    others: tuple[Holder, ...]
    totals: tuple[tuple[At, int], ...]
    peak_at: At | None
    live_bytes: int
    reserved: Reserved

    @property
    def low_bytes(self) -> int:
        return self.live_bytes + self.reserved.low

    @property
    def peak_bytes(self) -> int:
        return self.live_bytes + self.reserved.expected

    @property
    def high_bytes(self) -> int:
        return self.live_bytes + self.reserved.high


@dataclass(frozen=True)
class Estimate:
    """What a plan needs. reason: the verdict's sentence. problems: what makes the plan invalid, empty for most."""

    plan: Plan
    timeline: tuple[At, ...]
    lines: tuple[Line, ...]
    tiers: tuple[Tier, ...]
    verdict: Verdict
    reason: str
    problems: tuple[Problem, ...] = ()

    def at(self, place: Place, at: At) -> tuple[Line, ...]:
        """The lines alive at one place and instant, largest first."""
        return tuple(sorted((x for x in self.lines if x.place == place and at in x.alive), key=lambda x: -int(x.bytes)))


def estimate(plan: Plan) -> Estimate:
    """What this plan needs, where and when. Never raises for a valid `Plan`; an unknown model gives cannot_tell."""
    problems = plan_problems(plan)
    if problems:
        return Estimate(plan, (), (), (), Verdict.CANNOT_TELL, f"Cannot tell: {problems[0].fact}", problems)
    if not stacks_of(plan.model):
        because = plan.model.unsupported_because or f"no formulas for {plan.model.architecture} yet."
        return Estimate(plan, (), (), (), Verdict.CANNOT_TELL, f"Cannot tell: {because}")
    drafts = [draft(plan, index) for index in range(len(plan.stages))]
    timeline = tuple(at for d in drafts for at in d.timeline)
    lines = tuple(line for d in drafts for line in d.lines)
    tiers = tuple(_tier(plan, drafts, lines, timeline, place) for place in _places(drafts))
    verdict, reason = judge(tiers, lines)
    return Estimate(plan, timeline, lines, tiers, verdict, reason)


def estimate_grid(plan: Plan, rows: Num, seq: Num) -> dict[str, Num]:
    """Peak bytes by tier (device, host, disk) when every batch has `rows` × `seq` tokens; both may be int64 arrays.

    The same formulas as `estimate`, on many batches at once. Raises ProblemError for a plan with problems.
    """
    problems = plan_problems(plan)
    if problems:
        raise ProblemError(problems[0])
    drafts = [draft(plan, i, BatchShape(rows, seq)) for i in range(len(plan.stages))]
    peaks: dict[str, Num] = {}
    for place in _places(drafts):
        totals = _totals([x for d in drafts for x in d.lines], place)
        live: Num = 0
        for total in totals.values():
            live = maximum(live, total)
        peaks[place.tier] = live + _band(plan, drafts, place, live)[1]
    return peaks


def draft(plan: Plan, index: int = 0, batch: BatchShape | None = None) -> Draft:
    """One stage with all its techniques applied. batch: instead of the longest batch of the plan's data."""
    stage, device = plan.stages[index], device_of(plan, index)
    assert device is not None
    if batch is None:
        batch = longest_batch(plan.data, stage.schedule)
    result = Draft(
        plan.model,
        stage.schedule,
        batch,
        device.kind,
        index,
        stacks_of(plan.model),
        sample_tokens=stage.schedule.max_length + SAMPLE_TOKENS,
    )
    for choice in stage.choices:
        result = technique(choice.slot, choice.technique).apply(choice.options, result)
    return result


def device_of(plan: Plan, index: int = 0) -> Device | None:
    """The device that computes: the placement's option `device`, else the machine's first."""
    choice = plan.stages[index].choice(Slot.PLACEMENT)
    wanted = getattr(choice.options, "device", "") if choice else ""
    return plan.machine.device(wanted) if wanted else next(iter(plan.machine.devices), None)


def plan_problems(plan: Plan) -> tuple[Problem, ...]:
    """Everything that makes this plan invalid; empty for most."""
    found: list[Problem] = []
    for index, stage in enumerate(plan.stages):
        found += _bounds(stage.schedule, "schedule")
        answered = {choice.slot for choice in stage.choices}
        found += [
            Problem(
                "plan.unanswered", f"The plan does not say: {QUESTIONS[s].lower()}.", "Choose one of its techniques."
            )
            for s in slots()
            if s not in answered
        ]
        for choice in stage.choices:
            try:
                known = technique(choice.slot, choice.technique)
            except ProblemError as error:
                found.append(error.problem)
                continue
            found += _bounds(choice.options, choice.slot.value)
            found += known.problems(plan, choice.options)
        if not found and device_of(plan, index) is None:
            found.append(
                Problem("plan.no_device", f"{plan.machine.name} has nothing to compute on.", "Choose a machine.")
            )
    return tuple(found)


@lru_cache(maxsize=1024)
def _bounds(options: Any, where: str) -> tuple[Problem, ...]:
    return tuple(bounds_problems(options, where))


def _places(drafts: list[Draft]) -> list[Place]:
    """Host and disk always, the device where there is one beside the host."""
    return [HOST, DISK] if all(d.device == "cpu" for d in drafts) else [DEVICE, HOST, DISK]


def _totals(lines: Iterable[Line], place: Place) -> dict[At, Num]:
    totals: dict[At, Num] = {}
    for line in lines:
        if line.place == place:
            for at in line.alive:
                totals[at] = totals[at] + line.bytes if at in totals else line.bytes
    return totals


def _band(plan: Plan, drafts: list[Draft], place: Place, live: Num) -> tuple[Num, Num, Num]:
    if place.tier == "disk":
        return 0, 0, 0
    kind = drafts[0].device
    if place.tier == "host" and kind != "cpu":
        kind = "host"
    return band(kind, any(d.recompute for d in drafts), live)


def _tier(plan: Plan, drafts: list[Draft], lines: tuple[Line, ...], timeline: tuple[At, ...], place: Place) -> Tier:
    by_at = _totals(lines, place)
    totals = tuple((at, by_at.get(at, 0)) for at in timeline)
    peak_at, live = max(totals, key=lambda pair: pair[1])
    device, machine = device_of(plan), plan.machine
    assert device is not None
    if place.tier == "device":
        name, capacity, budget, others = device.name, device.total_bytes, device.free_bytes, device.others
    elif place.tier == "host":
        name, capacity, budget, others = "RAM", machine.host_total_bytes, machine.host_free_bytes, machine.ram_others
    else:
        name, capacity, budget, others = "Disk", machine.disk_free_bytes, machine.disk_free_bytes, ()
    low, expected, high = _band(plan, drafts, place, live)
    reserved = Reserved(low, expected, high, "" if place.tier == "disk" else why(drafts[0].device))
    return Tier(place, name, capacity, budget, others, totals, peak_at if live else None, live, reserved)


def judge(tiers: tuple[Tier, ...], lines: tuple[Line, ...]) -> tuple[Verdict, str]:
    """The verdict of the worst tier, with its sentence.

    Fits: even the high figure is within the budget. Tight: only the low one is (it may work, slower or by luck).
    Does not fit: not even the low one.
    """
    worst = min(tiers, key=lambda t: (t.budget_bytes - t.high_bytes, t.budget_bytes - t.peak_bytes))
    spare = worst.budget_bytes - worst.peak_bytes
    cause = _cause(worst, lines)
    if worst.high_bytes <= worst.budget_bytes:
        return Verdict.FITS, f"Fits, {words(spare)} to spare. {cause}"
    if worst.low_bytes <= worst.budget_bytes:
        margin = f"{words(spare)} to spare" if spare >= 0 else f"{words(-spare)} over by the expected figure"
        return Verdict.TIGHT, f"Tight: {margin}. {cause}"
    return Verdict.DOES_NOT_FIT, f"Does not fit: {words(-spare)} over. {cause}"


def _cause(tier: Tier, lines: tuple[Line, ...]) -> str:
    """Where and when the peak is, and the largest line in it."""
    if tier.peak_at is None:
        return f"{tier.name} holds next to nothing."
    at = tier.peak_at
    there = [x for x in lines if x.place == tier.place and at in x.alive]
    largest = max(there, key=lambda x: int(x.bytes))
    return (
        f"{tier.name} is fullest in {at.phase}, {MOMENTS.get(at.moment, at.moment)}: {words(tier.peak_bytes)}, "
        f"{words(largest.bytes)} of it {largest.what[0].lower()}{largest.what[1:]}."
    )
