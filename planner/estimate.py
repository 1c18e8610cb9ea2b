"""From a plan to an estimate: a ledger, a peak for every place, a verdict and its reason. A pure function.

`Reserved` (what the allocator and the runtime hold beside live tensors) stands beside the ledger, never in it: it
depends on the order of events, not on a sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from planner.draft import Draft
from planner.drafting import device_of, draft, plan_problems
from planner.facts.data import BatchShape, heaviest_batches, longest_batch
from planner.facts.model.families import FAMILIES, stacks_of
from planner.ledger import DEVICE, DISK, HOST, At, Line, Place
from planner.plan import Plan
from planner.problem import Problem, ProblemError
from planner.reserved import NOTHING, Band, band
from planner.tier import Reserved, Tier, Verdict
from planner.units import Num, maximum
from planner.verdict import judge

__all__ = ["Estimate", "Reserved", "Tier", "Verdict", "device_of", "draft", "estimate", "estimate_grid"]


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
        return Estimate(plan, (), (), (), Verdict.CANNOT_TELL, f"Cannot tell: {_unknown(plan)}")
    drafts = tuple([_heaviest(plan, index) for index in range(len(plan.stages))])
    timeline = tuple(at for d in drafts for at in d.timeline)
    lines = tuple(line for d in drafts for line in d.lines)
    totals = _totals(lines)
    tiers = tuple([_tier(plan, drafts, totals.get(place, {}), timeline, place) for place in _places(drafts)])
    verdict, reason = judge(tiers, lines, certain=all(d.batch.certain for d in drafts))
    return Estimate(plan, timeline, lines, tiers, verdict, reason)


def estimate_grid(plan: Plan, rows: Num, seq: Num) -> dict[str, Num]:
    """Peak bytes by tier (device, host, disk) when every batch has `rows` × `seq` tokens; both may be int64 arrays.

    The same formulas as `estimate`, on many batches at once; whether a mask is needed is as in the plan's longest
    batch. Raises ProblemError for a plan with problems, or of a model without formulas.
    """
    problems = plan_problems(plan)
    if not problems and not stacks_of(plan.model):
        problems = (Problem("model.unsupported", _unknown(plan), "Choose another model."),)
    if problems:
        raise ProblemError(problems[0])
    drafts = tuple(
        draft(plan, i, BatchShape(rows, seq, longest_batch(plan.data, stage.schedule).padded))
        for i, stage in enumerate(plan.stages)
    )
    peaks: dict[str, Num] = {}
    totals = _totals(x for d in drafts for x in d.lines)
    for place in _places(drafts):
        live: Num = 0
        for total in totals.get(place, {}).values():
            live = maximum(live, total)
        peaks[place.tier] = live + _band(drafts, place).beside(live)[1]
    return peaks


def _unknown(plan: Plan) -> str:
    """Why there are no formulas for the plan's model."""
    model = plan.model
    if model.unsupported_because:
        return model.unsupported_because
    if model.family in FAMILIES:
        return f"the sizes of {model.name} cannot be those of a model."
    return f"there are no formulas yet for {model.architecture or 'a model that does not say what it is'}."


def _heaviest(plan: Plan, index: int) -> Draft:
    """The draft of the batch that needs most. Mostly one batch beats all others in tokens and in their square."""
    shapes = heaviest_batches(plan.data, plan.stages[index].schedule)
    if len(shapes) == 1:
        return draft(plan, index, shapes[0])
    return max((draft(plan, index, shape) for shape in shapes), key=_fullest)


def _fullest(one: Draft) -> Num:
    where = one.lines[0].place
    return max(_totals(one.lines)[where].values())


def _places(drafts: tuple[Draft, ...]) -> tuple[Place, ...]:
    """Host and disk always, the device where there is one beside the host."""
    return (HOST, DISK) if all(d.device == "cpu" for d in drafts) else (DEVICE, HOST, DISK)


def _totals(lines: Iterable[Line]) -> dict[Place, dict[At, Num]]:
    """Bytes by place and instant: the one sum that everything shown is."""
    totals: dict[Place, dict[At, Num]] = {}
    for line in lines:
        of_place = totals.get(line.place)
        if of_place is None:
            of_place = totals[line.place] = {}
        size = line.bytes
        for at in line.alive:
            of_place[at] = of_place[at] + size if at in of_place else size
    return totals


def _band(drafts: tuple[Draft, ...], place: Place) -> Band:
    if place.tier == "disk":
        return NOTHING
    kind = drafts[0].device
    if place.tier == "host" and kind != "cpu":
        kind = "host"
    return band(kind, any(d.recompute for d in drafts))


def _tier(plan: Plan, drafts: tuple[Draft, ...], by_at: dict[At, Num], timeline: tuple[At, ...], place: Place) -> Tier:
    totals = tuple([(at, by_at.get(at, 0)) for at in timeline])
    peak_at, live = max(totals, key=itemgetter(1))
    device, machine = device_of(plan), plan.machine
    assert device is not None
    if place.tier == "device":
        name, capacity, budget, others = device.name, device.total_bytes, device.free_bytes, device.others
    elif place.tier == "host":
        name, capacity, budget, others = "RAM", machine.host_total_bytes, machine.host_free_bytes, machine.ram_others
    else:
        name, capacity, budget, others = "Disk", machine.disk_free_bytes, machine.disk_free_bytes, ()
    beside = _band(drafts, place)
    low, expected, high = beside.beside(live)
    reserved = Reserved(low, expected, high, beside.why)
    return Tier(place, name, capacity, budget, others, totals, peak_at if live else None, live, reserved)
