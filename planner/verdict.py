"""Does it fit? The verdict over all places, and the sentence a person reads."""

from __future__ import annotations

from planner.ledger import DISK, MOMENTS, Line
from planner.tier import Tier, Verdict
from planner.units import words


def judge(tiers: tuple[Tier, ...], lines: tuple[Line, ...], *, certain: bool) -> tuple[Verdict, str]:
    """The verdict of the worst tier, with its sentence.

    Fits: even the high figure is within the budget. Tight: the low one is, the high one is not; on a card that means
    it may work with a fuller, slower allocator. Does not fit: not even the low one. certain: the longest batch is
    known, not bounded. Cannot tell: a place whose size nobody could read.
    """
    unread = next((t for t in tiers if not t.capacity_bytes), None)
    if unread:
        what = "how much room is left on the disk" if unread.place is DISK else f"how much memory {unread.name} has"
        return Verdict.CANNOT_TELL, f"Cannot tell: {what} could not be read."
    worst = min(tiers, key=lambda t: t.budget_bytes - t.high_bytes)
    spare = worst.budget_bytes - worst.peak_bytes
    cause = _cause(worst, lines)
    if not certain:
        cause += " The rows' lengths are not counted, so this is for the longest batch there could be."
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
    at, place = tier.peak_at, tier.place
    largest = max([x for x in lines if at in x.alive and x.place == place], key=lambda x: int(x.bytes))
    return (
        f"{tier.name} is fullest in {at.phase}, {MOMENTS.get(at.moment, at.moment)}: {words(tier.peak_bytes)}, "
        f"{words(largest.bytes)} of it {largest.what[0].lower()}{largest.what[1:]}."
    )
