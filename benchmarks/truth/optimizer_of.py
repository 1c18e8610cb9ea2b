"""The optimizer of a row."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.ledger import Line
from planner.techniques.optimizer_adamw import AdamwOptions, OptimizerAdamw


def lines(row: Row, draft: Draft) -> tuple[Line, ...]:
    """States and what the update works with."""
    assert row.optimizer is not None
    how = row.optimizer.implementation
    options = AdamwOptions(implementation=how if how in ("fused", "foreach", "for_loop") else "fused")
    return OptimizerAdamw().apply(options, draft._replace(lines=())).lines
