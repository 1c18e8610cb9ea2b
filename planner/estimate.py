"""From a plan to an estimate: a ledger, a peak for every place, a verdict and its reason. A pure function.

`Reserved` (what the allocator and the runtime hold beside live tensors) stands beside the ledger, never in it: it
depends on the order of events, not on a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from planner.facts.machine import Holder
from planner.ledger import At, Line, Place
from planner.plan import Plan
from planner.problem import Problem


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
        return tuple(
            sorted((x for x in self.lines if x.place == place and at in x.alive), key=lambda x: -int(x.bytes))
        )


def estimate(plan: Plan) -> Estimate:
    """What this plan needs, where and when. Never raises for a valid `Plan`; an unknown model gives cannot_tell."""
    raise NotImplementedError
