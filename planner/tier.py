"""One place with its need and its budget, and the words for how the two compare."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from planner.facts.machine import Holder
from planner.interval import Cause
from planner.ledger import At, Place


class Verdict(StrEnum):
    FITS = "fits"
    TIGHT = "tight"
    DOES_NOT_FIT = "does_not_fit"
    CANNOT_TELL = "cannot_tell"


class Reserved(NamedTuple):
    """Bytes beside the ledger at the peak: low, expected and high, with the sentence that says where they come from.

    low and high are the ends of the whole figure, so that what is not known of live tensors is in them too.
    allocator: the part of them that the allocator holds; the rest is the context of the process. causes: what makes
    the interval as wide as it is, each alone.
    """

    low: int
    expected: int
    high: int
    why: str
    allocator: tuple[int, int, int] = (0, 0, 0)
    causes: tuple[Cause, ...] = ()


class Tier(NamedTuple):
    """One place with its budget. budget_bytes: what this run may take now (free now + what it gives back).

    totals: live bytes by instant, in timeline order. peak_*: live peak plus `Reserved`.
    Three figures that are never mixed: allocated is live tensors, reserved adds what the allocator keeps of the device,
    process adds the context and is what the peak and the verdict speak of.
    swap_bytes: of RAM, what the system could move to its swap now. It is no room: a run that needs it does not fit.
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
    swap_bytes: int = 0

    @property
    def low_bytes(self) -> int:
        return self.live_bytes + self.reserved.low

    @property
    def peak_bytes(self) -> int:
        return self.live_bytes + self.reserved.expected

    @property
    def high_bytes(self) -> int:
        return self.live_bytes + self.reserved.high

    @property
    def allocated_bytes(self) -> int:
        return self.live_bytes

    @property
    def reserved_bytes(self) -> int:
        return self.live_bytes + self.reserved.allocator[1]

    @property
    def reserved_low_bytes(self) -> int:
        return self.live_bytes + self.reserved.allocator[0]

    @property
    def reserved_high_bytes(self) -> int:
        return self.live_bytes + self.reserved.allocator[2]

    @property
    def process_bytes(self) -> int:
        return self.peak_bytes
