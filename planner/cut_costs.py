"""What a plan needs at several lengths beside what each of them cuts away: a table for whoever chooses the length.

Each length is one estimate, with nothing read or counted anew. The lengths are chosen from the data: where half, nine
tenths and so on of the rows are whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.drafting import device_of
from planner.estimate import estimate
from planner.facts.cut import Cut, cut
from planner.facts.data import DataFacts
from planner.plan import Plan

WHOLE_SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
STEP = 8  # tokens: lengths are rounded up to such a one
SHORTEST, LONGEST = 8, 1_048_576


@dataclass(frozen=True)
class CutCost:
    """One length. peak_bytes: of the memory that decides, None where the plan cannot be estimated there; plan: it is the
    plan's own length."""

    cut: Cut
    peak_bytes: int | None
    plan: bool = False


def cut_costs(plan: Plan, lengths: tuple[int, ...] = ()) -> tuple[CutCost, ...]:
    """One for each length, rising, the plan's own among them; lengths chosen from the data where none are given."""
    own = plan.stage.schedule.max_length
    chosen = sorted({own, *(lengths or telling_lengths(plan.data))})
    return tuple(
        CutCost(cut(plan.data, replace(plan.stage.schedule, max_length=n)), peak_at(plan, n), n == own) for n in chosen
    )


def peak_at(plan: Plan, length: int) -> int | None:
    """Expected peak of the first memory that has one when rows are cut at `length`."""
    found = estimate(plan.with_schedule(replace(plan.stage.schedule, max_length=length)))
    if found.problems:
        return None
    return max((int(tier.peak_bytes) for tier in found.tiers if tier.place.tier == _deciding(plan)), default=None)


def telling_lengths(data: DataFacts) -> tuple[int, ...]:
    """The lengths at which certain shares of the rows are whole."""
    if not data.lengths:
        return ()
    ordered = sorted(data.lengths)
    at = {ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)] for share in WHOLE_SHARES}
    return tuple(sorted({min(max(-(-n // STEP) * STEP, SHORTEST), LONGEST) for n in at}))


def _deciding(plan: Plan) -> str:
    device = device_of(plan)
    return "host" if device is None or device.kind == "cpu" else "device"
