"""Where what a text says of a run and what the ledger says do not meet. What cannot be explained is said, not smoothed."""

from __future__ import annotations

from planner.estimate import Estimate, Tier, Verdict, estimate
from planner.ledger import MOMENTS, At, Kind, Place
from planner.slots import Slot
from planner.techniques import registry
from planner.units import words
from planner.why.beside import MORE, Beside
from planner.why.moment import Moment
from planner.why.reading import Reading

AGREES_WITHIN = 0.10


def when(at: At | None) -> str:
    """`, in step 2+, loss and head`; empty for no instant."""
    return f", in {at.phase}, {MOMENTS.get(at.moment, at.moment)}" if at else ""


def disagreements(
    reading: Reading | None, moment: Moment | None, beside: tuple[Beside, ...], result: Estimate, tier: Tier
) -> tuple[str, ...]:
    """Every point where the text and the figures of this tier do not meet, in sentences."""
    found: list[str] = []
    if reading is None:
        return ()
    if moment is not None and tier.peak_at is not None:
        if not moment.moments:
            found.append(f"The run failed {moment.words}, which these figures do not hold: they are of training steps.")
        elif tier.peak_at.moment not in moment.moments:
            then = max((size for at, size in tier.totals if at.moment in moment.moments), default=0)
            found.append(
                f"The run failed {moment.words}; the ledger has its peak{when(tier.peak_at)}, and {words(then)} of live "
                f"tensors at that moment against {words(tier.live_bytes)} at the peak."
            )
    if reading.allocated is not None and (moment is None or moment.moments):
        found += _weights_too_large(reading.allocated, result, tier.place)
    needed = _needed(reading)
    expected = max(0, tier.live_bytes + moved_by(beside))
    if needed is not None and needed > expected * (1 + AGREES_WITHIN):
        why = _likely(beside)
        found.append(
            f"The ledger has {words(expected)} of live tensors at the most, but the run had or asked for {words(needed)}: "
            f"{why}"
        )
    elif result.verdict is Verdict.FITS:
        found.append(
            f"By these figures the run would have fitted into what it had ({words(tier.budget_bytes)}), with "
            f"{words(tier.budget_bytes - tier.peak_bytes)} to spare: something in the run is not in them."
        )
    return tuple(found)


def _weights_too_large(allocated: int, result: Estimate, place: Place) -> list[str]:
    """A run that holds less than its weights alone are here stores them in another way than was read."""
    here = _weights(result, place)
    if here <= allocated:
        return []
    told = (
        f"Its weights alone, trained ones included, are {words(here)} in these figures, but the run held {words(allocated)} in all its tensors: "
        f"it stored them in another way."
    )
    stored = result.plan.stage.choice(Slot.WEIGHTS)
    smaller: list[tuple[int, str]] = []
    for other in registry.of_slot(Slot.WEIGHTS):
        if stored is None or other.name == stored.technique:
            continue
        size = _weights(estimate(result.plan.with_choice(registry.default_choice(Slot.WEIGHTS, other.name))), place)
        if 0 < size <= allocated:
            smaller.append((size, other.label))
    if smaller:
        size, label = max(smaller)
        told += f" As {label} they would be {words(size)}: if the script loads them so, choose that."
    return [told]


def _weights(result: Estimate, place: Place) -> int:
    return sum(int(x.bytes) for x in result.lines if x.kind is Kind.WEIGHTS and x.place == place)


def _needed(reading: Reading) -> int | None:
    """Live tensors that the run would have had: those there were, and what was asked for."""
    if reading.allocated is None:
        return None
    return reading.allocated + (reading.asked or 0)


def moved_by(beside: tuple[Beside, ...]) -> int:
    """By how much the settings whose bytes are computed move the peak, one beside the other."""
    return sum(b.bytes for b in beside if b.bytes is not None)


def _likely(beside: tuple[Beside, ...]) -> str:
    more = [b for b in beside if b.way == MORE or (b.bytes or 0) > 0]
    if more:
        return f"the settings beside these figures may be why ({', '.join(b.setting for b in more[:3])})."
    return "something in the run is not in these figures, such as an evaluation, another model beside it, or a script's own settings."
