"""Does it fit? The verdict over all places, and the sentence a person reads."""

from __future__ import annotations

from planner.ledger import DISK, MOMENTS, Line
from planner.tier import Tier, Verdict
from planner.units import words

SEVERITY = (Verdict.FITS, Verdict.TIGHT, Verdict.DOES_NOT_FIT)


def judge(tiers: tuple[Tier, ...]) -> Verdict:
    """The verdict of the worst tier.

    Fits: even the high figure is within the budget. Tight: the low one is, the high one is not; on a card that means
    it may work with a fuller, slower allocator. Does not fit: not even the low one, whatever swap there is beside the
    RAM. Cannot tell: a place whose size nobody could read.
    """
    if not all(t.capacity_bytes for t in tiers):
        return Verdict.CANNOT_TELL
    return _of(_worst(tiers))


def _of(tier: Tier) -> Verdict:
    """Of one place alone."""
    if tier.high_bytes <= tier.budget_bytes:
        return Verdict.FITS
    return Verdict.TIGHT if tier.low_bytes <= tier.budget_bytes else Verdict.DOES_NOT_FIT


BOUNDED = " The rows' lengths are not counted, so this is for the longest batch there could be."
ESTIMATED = (
    " The rows' lengths are not counted but estimated from the size of their texts; the longest batch may be longer."
)


def sentence(tiers: tuple[Tier, ...], lines: tuple[Line, ...], *, certain: bool, estimated: bool = False) -> str:
    """What a person reads of it; certain: the longest batch is known. estimated: else from the size of the rows' texts, not bounded."""
    verdict = judge(tiers)
    if verdict is Verdict.CANNOT_TELL:
        unread = next(t for t in tiers if not t.capacity_bytes)
        what = "how much room is left on the disk" if unread.place is DISK else f"how much memory {unread.name} has"
        return f"Cannot tell: {what} could not be read."
    worst = _worst(tiers)
    spare = worst.budget_bytes - worst.peak_bytes
    cause = _cause(worst, lines)
    if not certain:
        cause += ESTIMATED if estimated else BOUNDED
    if verdict is Verdict.FITS:
        return f"Fits, {words(spare)} to spare. {cause}"
    if verdict is Verdict.TIGHT:
        margin = f"{words(spare)} to spare" if spare >= 0 else f"{words(-spare)} over by the expected figure"
        return f"Tight: {margin}. {cause}"
    return f"Does not fit: {words(-spare)} over. {_by_swapping(worst)}{cause}"


def _by_swapping(tier: Tier) -> str:
    """Going on by swapping is no fit: each step then waits for the disk. Said, because a system that swaps says nothing
    and is only slow."""
    short = tier.low_bytes - tier.budget_bytes
    if not tier.swap_bytes or short > tier.swap_bytes:
        return ""
    return f"It could go on only by swapping {words(short)} to the disk, many times slower. "


def _worst(tiers: tuple[Tier, ...]) -> Tier:
    """The place with the worst verdict, of several the one with least to spare."""
    return min(tiers, key=lambda t: (-SEVERITY.index(_of(t)), t.budget_bytes - t.high_bytes))


def _cause(tier: Tier, lines: tuple[Line, ...]) -> str:
    """Where and when the peak is, and the largest line in it."""
    if tier.peak_at is None:
        return f"{tier.name} holds next to nothing."
    at, place = tier.peak_at, tier.place
    largest = max([x for x in lines if at in x.alive and x.place == place], key=lambda x: int(x.bytes))
    return (
        f"{tier.name} is fullest in {at.phase}, {MOMENTS.get(at.moment, at.moment)}: {words(tier.peak_bytes)}, "
        f"{words(largest.bytes)} of it {largest.what[0].lower()}{largest.what[1:]}."
    )
