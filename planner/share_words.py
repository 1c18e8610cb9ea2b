"""A plan and its verdict in two lines of plain text, as one would write them to somebody: setup and room, moment and time.

Every figure is the estimate's or the time model's own; nothing is computed here. It is given a plan that was stripped of
names (`share_stripped`), and adds none.
"""

from __future__ import annotations

from planner.estimate import Estimate
from planner.ledger import MOMENTS
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.registry import of_slot, technique
from planner.tier import Tier, Verdict
from planner.timing.timed import Timed
from planner.units import words

FIRST = (Slot.TRAINABLE, Slot.WEIGHTS)
"""What a setup is called by; the other answers follow only where there is room for them."""
MAKERS = ("NVIDIA GeForce ", "NVIDIA ", "AMD Radeon ", "AMD ")


def two_lines(now: Estimate, takes: Timed | None) -> tuple[str, str]:
    """`Llama-3.1-8B · LoRA rank 16 · … on RTX 4090: 14.20 GiB of 23.99 GiB – fits, 9.79 GiB to spare` and what follows."""
    head = f"{now.plan.model.name.rsplit('/', 1)[-1]} · {setup(now.plan)} on {computer(now.plan, now)}"
    if not now.tiers or now.verdict is Verdict.CANNOT_TELL:
        return f"{head}: cannot tell", now.reason.removeprefix("Cannot tell: ")
    worst = min(now.tiers, key=lambda t: t.budget_bytes - t.high_bytes)
    where = "" if worst is now.tiers[0] else f"{worst.name} "
    first = f"{head}: {where}{words(worst.peak_bytes)} of {words(worst.budget_bytes)} – {room(now.verdict, worst)}"
    return first, "; ".join(filter(None, [_fullest(worst), epoch(takes)]))


def setup(plan: Plan) -> str:
    """`LoRA rank 16 · 4-bit (NF4) · 4 × 1,024 tokens`."""
    s = plan.stage.schedule
    return " · ".join([*(answer(plan, slot) for slot in FIRST), f"{s.micro_batch} × {s.max_length:,} tokens"])


def answer(plan: Plan, slot: Slot) -> str:
    """The label of what a plan answers, with its rank where it has one."""
    choice = plan.stage.choice(slot)
    if choice is None:
        return "nothing"
    rank = getattr(choice.options, "rank", None)
    label = technique(choice.slot, choice.technique).label
    return f"{label} rank {rank}" if rank else label


def others(plan: Plan) -> tuple[tuple[Slot, str], ...]:
    """The remaining answers, of slots where there is a choice between several."""
    return tuple(
        (c.slot, answer(plan, c.slot)) for c in plan.stage.choices if c.slot not in FIRST and len(of_slot(c.slot)) > 1
    )


def computer(plan: Plan, now: Estimate) -> str:
    """The card's own name without its maker's; of a computer without one the processor's."""
    if not now.tiers:
        return plan.machine.devices[0].name if plan.machine.devices else "no device"
    tier = now.tiers[0]
    name = tier.name if tier.place.tier == "device" else plan.machine.cpu or "the CPU"
    name = name.replace("(R)", "").replace("(TM)", "")
    return next((name.removeprefix(maker) for maker in MAKERS if name.startswith(maker)), name)


def room(verdict: Verdict, tier: Tier) -> str:
    """`fits, 9.79 GiB to spare`, of the place that decides."""
    spare = tier.budget_bytes - tier.peak_bytes
    margin = f"{words(spare)} to spare" if spare >= 0 else f"{words(-spare)} over"
    return f"{verdict.value.replace('_', ' ')}, {margin}"


def _fullest(tier: Tier) -> str:
    if tier.peak_at is None:
        return f"{tier.name} holds next to nothing"
    return f"Fullest in {tier.peak_at.phase}, {MOMENTS.get(tier.peak_at.moment, tier.peak_at.moment)}"


def epoch(takes: Timed | None) -> str:
    """`0.54 h an epoch (17 min to 1.10 h)`; empty without a time model."""
    if takes is None:
        return ""
    from planner.explore.costs import span  # with it comes numpy, which a time has been worked out with by now

    low, expected, high = map(span, takes.seconds_per_epoch)
    return f"{expected} an epoch ({low} to {high})"
