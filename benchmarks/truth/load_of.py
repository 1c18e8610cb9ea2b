"""A row that only loads a model."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.ledger import At, Line
from planner.problem import fail


def lines(row: Row, draft: Draft) -> tuple[tuple[At, ...], tuple[Line, ...]]:
    """The instants that the counter saw, and what is alive at them."""
    raise fail("row.load", "loading is not computed yet", "")
