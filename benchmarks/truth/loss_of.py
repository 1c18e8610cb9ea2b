"""The loss of a row."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.ledger import Line
from planner.options import NoOptions
from planner.techniques.loss_full_logits import LossFullLogits


def lines(row: Row, draft: Draft) -> tuple[Line, ...]:
    """Head and loss."""
    return LossFullLogits().apply(NoOptions(), draft._replace(lines=())).lines
