"""A row that only loads a model: what is there when it is loaded, and the way there where the counter saw it.

torch's counters give the highest moment; a reading of the device gives what is there when all is done.
"""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.ledger import At, Kind, Line
from planner.weights.loaded import LOADED, weight_lines


def lines(row: Row, draft: Draft) -> tuple[tuple[At, ...], tuple[Line, ...]]:
    """The instants that the counter saw, and what is alive at them."""
    lines = weight_lines(draft.stacks, draft.device, frozenset((LOADED,)))
    if row.metric == "device_used":
        lines = tuple(x for x in lines if x.kind is not Kind.WORKSPACE)
    return (LOADED,), lines
