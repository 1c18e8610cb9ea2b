"""From live bytes to the figure that a row reports."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.truth.answer import Answer, Predicted
from benchmarks.truth.row import Row
from planner.ledger import Kind


def reported(row: Row, peak: Mapping[Kind, int], readings: Mapping[str, int]) -> Answer:
    """peak: bytes by kind at the fullest instant."""
    live = sum(peak.values())
    return Predicted(
        live, live, live, {k.value: v for k, v in peak.items()}, expected_allocated=live, readings=readings
    )
