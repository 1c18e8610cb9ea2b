"""Which causes of not knowing better a published row has; how wide each is, and how they join, is `planner.interval`."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.interval import Cause, activations_width, length_width, share, states_width, table


def states(row: Row, size: int) -> Cause:
    """Weights, adapters, gradients and optimizer states: counted from shapes, where a library does not add its own."""
    kind = "exact"
    if row.optimizer is not None and (row.optimizer.paged or row.sharding.kind != "none"):
        kind = "paged_or_partitioned"
    elif row.task == "infer" and row.weights is not None and row.weights.quantised_modules is not None:
        kind = "packed"
    return share("exact states", size, states_width(kind))


def activations(row: Row, size: int) -> list[Cause]:
    """What grows with the batch, and how well its length is known."""
    task = "train_compiled" if row.task == "train" and row.compile else row.task
    return [
        share("activations", size, activations_width(task)),
        share("data length", size, length_width(row.seq_len_kind or "exact")),
    ]


def unnamed(task: str) -> str:
    """The counter that a figure is read as whose tool is not named: process or allocated."""
    reading: str = table()["unnamed"].get(task, "allocated")
    return reading


def unnamed_figure(size: int) -> Cause:
    """What rounding and the moment of reading may make of such a figure."""
    below, above = table()["unnamed"]["figure"]
    return share("figure as published", size, (below, above))
