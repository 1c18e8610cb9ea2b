"""An estimate as JSON, for `plan --json` and for the figures kept with a run. Only sums that `Estimate` already made."""

from __future__ import annotations

from typing import Any

from planner.estimate import Estimate, Tier
from planner.ledger import Line


def tier_to_json(tier: Tier) -> dict[str, Any]:
    return {
        "name": tier.name,
        "budget_bytes": int(tier.budget_bytes),
        "peak_bytes": int(tier.peak_bytes),
        "low_bytes": int(tier.low_bytes),
        "high_bytes": int(tier.high_bytes),
        "allocated_bytes": int(tier.allocated_bytes),
        "reserved_bytes": int(tier.reserved_bytes),
        "process_bytes": int(tier.process_bytes),
        "causes": {x.name: [int(x.below), int(x.above)] for x in tier.reserved.causes if x.below or x.above},
        "peak_phase": tier.peak_at.phase if tier.peak_at else "",
        "peak_moment": tier.peak_at.moment if tier.peak_at else "",
    }


def line_to_json(line: Line, estimate: Estimate) -> dict[str, Any]:
    tier = next((t.name for t in estimate.tiers if t.place == line.place), line.place.tier)
    in_order = [at.phase for at in estimate.timeline if at in line.alive]
    return {
        "what": line.what,
        "kind": line.kind.value,
        "tier": tier,
        "bytes": int(line.bytes),
        "phases": list(dict.fromkeys(in_order)),
        "why": str(line.why),
    }


def estimate_to_json(estimate: Estimate) -> dict[str, Any]:
    """{verdict, reason, tiers, ledger, problems}; the names are a promise to scripts."""
    return {
        "verdict": estimate.verdict.value,
        "reason": estimate.reason,
        "tiers": [tier_to_json(t) for t in estimate.tiers],
        "ledger": [line_to_json(line, estimate) for line in estimate.lines],
        "problems": [p.to_json() for p in estimate.problems],
    }
