"""From a plan to an estimate: a ledger, a peak for every place, a verdict and its reason. A pure function.

`Reserved` (what the allocator and the runtime hold beside live tensors) stands beside the ledger, never in it: it
depends on the order of events, not on a sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from planner.beside import band_of, grows_of, kept_of, open_tensors, unseen_of
from planner.calibration import apply
from planner.calibration.apply import Learned
from planner.calibration.correction import PROOF
from planner.calibration.fingerprint import device_name, fingerprint
from planner.calibration.said import evidence
from planner.draft import Draft
from planner.drafting import device_of, draft, plan_problems
from planner.facts.data import Batches, BatchShape, batches
from planner.facts.machine import Device, Holder, MachineFacts
from planner.facts.model.families import FAMILIES, stacks_of
from planner.interval import Cause, around, ends
from planner.ledger import DEVICE, DISK, HOST, At, Line, Place
from planner.plan import Plan
from planner.problem import Problem, ProblemError
from planner.reserved import Band
from planner.tier import Reserved, Tier, Verdict
from planner.units import Num, maximum
from planner.verdict import judge, sentence

__all__ = ["Estimate", "Reserved", "Tier", "Verdict", "device_of", "draft", "estimate", "estimate_grid"]


@dataclass(frozen=True)
class Estimate:
    """What a plan needs. problems: what makes the plan invalid, empty for most. certain: the longest batch is known, not
    bounded. untold: why there are no figures."""

    plan: Plan
    timeline: tuple[At, ...]
    lines: tuple[Line, ...]
    tiers: tuple[Tier, ...]
    verdict: Verdict
    problems: tuple[Problem, ...] = ()
    certain: bool = True
    untold: str = ""

    @property
    def reason(self) -> str:
        """The verdict's sentence, written when somebody reads it."""
        return self.untold or sentence(
            self.tiers, self.lines, certain=self.certain, estimated=self.plan.data.lengths_from == "estimated"
        )

    def at(self, place: Place, at: At) -> tuple[Line, ...]:
        """The lines alive at one place and instant, largest first."""
        return tuple(sorted((x for x in self.lines if x.place == place and at in x.alive), key=lambda x: -int(x.bytes)))


def estimate(plan: Plan) -> Estimate:
    """What this plan needs, where and when. Never raises for a valid `Plan`; an unknown model gives cannot_tell."""
    problems = plan_problems(plan)
    if problems:
        return Estimate(plan, (), (), (), Verdict.CANNOT_TELL, problems, untold=f"Cannot tell: {problems[0].fact}")
    unknown = cannot_tell_because(plan)
    if unknown:
        return Estimate(plan, (), (), (), Verdict.CANNOT_TELL, untold=f"Cannot tell: {unknown}")
    drawn = [batches(plan.data, stage.schedule) for stage in plan.stages]
    drafts = tuple([_heaviest(plan, index, of_stage) for index, of_stage in enumerate(drawn)])
    shapes = max([of_stage.different for of_stage in drawn])
    timeline = tuple(chain.from_iterable([d.timeline for d in drafts]))
    lines = tuple(chain.from_iterable([d.lines for d in drafts]))
    totals = _totals(lines)
    device, machine = device_of(plan), plan.machine
    assert device is not None
    learned = apply.learned(machine.corrections, device_name(device)) if machine.corrections else None
    beside = HOST if device.kind != "cpu" else DISK  # RAM beside a card is another matter than the card
    tiers = tuple(
        [
            _tier(
                device,
                machine,
                band_of(drafts, shapes, place, plan.data.size_bytes),
                drafts,
                totals.get(place, {}),
                timeline,
                place,
                None if place in (DISK, beside) else learned,
            )
            for place in _places(drafts)
        ]
    )
    if learned is not None and learned.proofs:
        tiers = (_proved(plan, drafts, shapes, learned, tiers[0]), *tiers[1:])
    if device.shares_ram and tiers[0].place is DEVICE:
        tiers = (tiers[0], *[_less(tier, tiers[0]) if tier.place is HOST else tier for tier in tiers[1:]])
    return Estimate(plan, timeline, lines, tiers, judge(tiers), certain=all(d.batch.certain for d in drafts))


def estimate_grid(plan: Plan, rows: Num, seq: Num) -> dict[str, Num]:
    """Peak bytes by tier (device, host, disk) when every batch has `rows` × `seq` tokens; both may be int64 arrays.

    The same formulas as `estimate`, on many batches at once; whether a mask is needed is as in the plan's longest
    batch, and an evaluation's batch is the plan's own. Raises ProblemError for a plan with problems, or of a model without formulas.
    """
    problems = plan_problems(plan)
    if problems:
        raise ProblemError(problems[0])
    unknown = cannot_tell_because(plan)
    if unknown:
        raise ProblemError(Problem("model.unsupported", unknown, "Choose another model."))
    drawn = [batches(plan.data, stage.schedule) for stage in plan.stages]
    heaviest = [_heaviest(plan, i, of_stage) for i, of_stage in enumerate(drawn)]
    drafts = tuple(
        draft(plan, i, BatchShape(rows, seq, one.batch.padded), one.evaluation and one.evaluation.batch)
        for i, one in enumerate(heaviest)
    )
    shapes = max(of_stage.different for of_stage in drawn)
    device = device_of(plan)
    assert device is not None
    learned = apply.learned(plan.machine.corrections, device_name(device))
    first = _places(drafts)[0]
    peaks: dict[str, Num] = {}
    totals = _totals(x for d in drafts for x in d.lines)
    for place in _places(drafts):
        live: Num = 0
        for total in totals.get(place, {}).values():
            live = maximum(live, total)
        beside = band_of(drafts, shapes, place, plan.data.size_bytes)
        context, allocator = beside.context_bytes, kept_of(beside, drafts, totals.get(place, {}), live, place)
        if learned is not None and place is first:
            context = apply.context(learned.context, context, device.kind)
            grows = grows_of(drafts, totals.get(place, {}), place) if learned.activations else 0
            allocator = apply.allocator(learned, allocator, live, grows)
        peaks[place.tier] = live + context[1] + allocator[1]
    return peaks


def heaviest_batch(plan: Plan, index: int = 0) -> BatchShape:
    """The batch that the estimate of a stage is made for; of a model without formulas the one with the most tokens."""
    if cannot_tell_because(plan):
        return batches(plan.data, plan.stages[index].schedule).heaviest[0]
    return _heaviest(plan, index, batches(plan.data, plan.stages[index].schedule)).batch


def heaviest_evaluation(plan: Plan, index: int = 0) -> BatchShape | None:
    """The evaluation's batch that the estimate of a stage is made for; None where it evaluates nothing."""
    drawn = batches(plan.data, plan.stages[index].schedule)
    if not drawn.evaluated or cannot_tell_because(plan):
        return next(iter(drawn.evaluated), None)
    evaluated = _heaviest(plan, index, drawn).evaluation
    return evaluated and evaluated.batch


def cannot_tell_because(plan: Plan) -> str:
    """Why the plan's model has no figures; empty where it has."""
    model = plan.model
    if model.unsupported_because:
        return model.unsupported_because
    if stacks_of(model):
        return ""
    if model.family in FAMILIES:
        return f"the sizes of {model.name} cannot be those of a model."
    return f"there are no formulas yet for {model.architecture or 'a model that does not say what it is'}."


def _heaviest(plan: Plan, index: int, drawn: Batches) -> Draft:
    """The draft of the batches that need most, of a step and of an evaluation. Mostly one batch beats all others in tokens
    and in their square."""
    if not drawn.evaluated and len(drawn.heaviest) == 1:
        return draft(plan, index, drawn.heaviest[0])
    first, *others = drawn.together
    drafts = [draft(plan, index, *first)]
    if others and not drafts[0].heavier_without_mask:
        of_steps, of_evaluations = _worth_a_look(drawn.heaviest), _worth_a_look(drawn.evaluated)
        others = [(a, b) for a, b in others if a in of_steps and (b is None or b in of_evaluations)]
    drafts += [draft(plan, index, *both) for both in others]
    return drafts[0] if len(drafts) == 1 else max(drafts, key=_fullest)


def _worth_a_look(shapes: tuple[BatchShape, ...]) -> list[BatchShape]:
    """The first and those that may need more where no mask needs none the more. A batch with a mask that has twice as many
    tokens and pairs of tokens needs more: what attention does otherwise without a mask is a few per cent of one batch,
    scores that are written out aside."""

    def far_behind_a_padded_one(shape: BatchShape) -> bool:
        tokens, pairs = 2 * shape.tokens, 2 * shape.tokens * shape.seq
        return any(x.padded and x.tokens >= tokens and x.tokens * x.seq >= pairs for x in shapes)

    return [x for i, x in enumerate(shapes) if not i or x.padded or not far_behind_a_padded_one(x)]


def _fullest(one: Draft) -> tuple[Num, Num]:
    """Live bytes at the fullest instant outside evaluations, then in them."""
    totals = _totals(one.lines)[one.lines[0].place]
    evaluated = one.when.evaluating | one.when.evaluating_loss
    return (
        max(size for at, size in totals.items() if at not in evaluated),
        max((totals.get(at, 0) for at in evaluated), default=0),
    )


def _places(drafts: tuple[Draft, ...]) -> tuple[Place, ...]:
    """Host and disk always, the device where there is one beside the host."""
    return (HOST, DISK) if drafts[0].device == "cpu" else (DEVICE, HOST, DISK)


def _totals(lines: Iterable[Line]) -> dict[Place, dict[At, Num]]:
    """Bytes by place and instant: the one sum that everything shown is. Lines of one life are summed first."""
    by_life: dict[Place, dict[frozenset[At], Num]] = {}
    for line in lines:
        lives = by_life.setdefault(line.place, {})
        lives[line.alive] = lives.get(line.alive, 0) + line.bytes
    totals: dict[Place, dict[At, Num]] = {}
    for place, lives in by_life.items():
        of_instant = totals[place] = {}
        for alive, size in lives.items():
            for at in alive:
                of_instant[at] = of_instant.get(at, 0) + size
    return totals


def _proved(plan: Plan, drafts: tuple[Draft, ...], shapes: int, learned: Learned, tier: Tier) -> Tier:
    """The tier as it was seen, where its plan was proved on this device; else as it is."""
    found = apply.proof_of(learned, fingerprint(plan, tuple([d.batch for d in drafts])))
    if found is None or tier.peak_at is None:
        return tier
    later = unseen_of(drafts, shapes, plan.data.size_bytes)
    low, expected, high = apply.proved(found, later, tier.reserved.allocator, drafts[0].device)
    live, reserved = tier.live_bytes, tier.reserved
    causes = (around(PROOF, (low, expected, high)),)
    why = f"{evidence((found,))} {reserved.why}"
    return tier._replace(reserved=Reserved(low - live, expected - live, high - live, why, reserved.allocator, causes))


def unseen_by_proof(plan: Plan) -> int:
    """Bytes expected of a run beyond what its proof meets: kernels for other lengths and answers, and all rows."""
    drawn = batches(plan.data, plan.stage.schedule)
    return unseen_of((_heaviest(plan, 0, drawn),), drawn.different, plan.data.size_bytes)[1]


def _less(ram: Tier, device: Tier) -> Tier:
    """RAM beside a device whose memory it is: what the device takes of it is not there twice."""
    taken = int(device.peak_bytes)
    return ram._replace(
        budget_bytes=max(0, ram.budget_bytes - taken),
        others=(Holder(f"this run on {device.name}", taken), *ram.others),
    )


def _tier(
    device: Device,
    machine: MachineFacts,
    band: Band,
    drafts: tuple[Draft, ...],
    by_at: dict[At, Num],
    timeline: tuple[At, ...],
    place: Place,
    learned: Learned | None,
) -> Tier:
    sizes = [by_at.get(at, 0) for at in timeline]
    live = max(sizes)
    peak_at = timeline[sizes.index(live)] if live else None
    context, allocator, why = band.context_bytes, kept_of(band, drafts, by_at, live, place), band.why
    if learned is not None:
        context = apply.context(learned.context, context, device.kind)
        grows = grows_of(drafts, by_at, place) if learned.activations else 0
        allocator = apply.allocator(learned, allocator, live, grows)
        why = " ".join(filter(None, [evidence(learned.of_all), why]))
    beside = context[1] + allocator[1]
    causes: tuple[Cause, ...] = (around("allocator", allocator), around("context", context))
    if place is DEVICE and peak_at is not None:
        causes += open_tensors(drafts, peak_at, live)
        low, high = ends(live + beside, causes)
    else:
        low, high = live + context[0] + allocator[0], live + context[2] + allocator[2]
    reserved = Reserved(low - live, beside, high - live, why, allocator, causes)
    totals = tuple(zip(timeline, sizes, strict=True))
    if place is HOST:
        total, free, others = machine.host_total_bytes, machine.host_free_bytes, machine.ram_others
        return Tier(place, "RAM", total, free, others, totals, peak_at, live, reserved, max(0, machine.swap_free_bytes))
    if place is DISK:
        free = machine.disk_free_bytes
        return Tier(place, "Disk", free, free, (), totals, peak_at, live, reserved)
    total, free = device.total_bytes, device.free_bytes
    return Tier(place, device.name, total, free, device.others, totals, peak_at, live, reserved)
