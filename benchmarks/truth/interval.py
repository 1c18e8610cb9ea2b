"""How far a prediction may lie from the truth, by what makes it so. Widths are a table (`assets/interval.json`).

The causes have nothing to do with each other, so their widths are joined as roots of sums of squares, below and above
by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from math import isqrt
from typing import Any, NamedTuple

from benchmarks.truth.row import Row
from planner.assets import asset


class Part(NamedTuple):
    """One cause. bytes: its expected size; below, above: how far the truth may lie from it."""

    cause: str
    bytes: int
    below: int
    above: int


def states(row: Row, size: int) -> Part:
    """Weights, adapters, gradients and optimizer states: counted from shapes, where a library does not add its own."""
    kind = "exact"
    if row.optimizer is not None and (row.optimizer.paged or row.sharding.kind != "none"):
        kind = "paged_or_partitioned"
    elif row.task == "infer" and row.weights is not None and row.weights.quantised_modules is not None:
        kind = "packed"
    return _part("exact states", size, _table()["states"][kind])


def activations(row: Row, size: int) -> list[Part]:
    """What grows with the batch, and how well its length is known."""
    kinds = _table()
    length = kinds["length"][row.seq_len_kind or "exact"]
    task = "train_compiled" if row.task == "train" and row.compile else row.task
    return [
        _part("activations", size, kinds["activations"].get(task, [0, 0])),
        Part("data length", 0, size * length[0] // 1000, size * length[1] // 1000),
    ]


def unnamed(task: str) -> str:
    """The counter that a figure is read as whose tool is not named: process or allocated."""
    reading: str = _table()["unnamed"].get(task, "allocated")
    return reading


def unnamed_figure(size: int) -> Part:
    """What rounding and the moment of reading may make of such a figure."""
    return _part("figure as published", size, _table()["unnamed"]["figure"])


def ends(expected: int, parts: Sequence[Part]) -> tuple[int, int, dict[str, int]]:
    """Low and high around `expected`, and the full width that each cause makes."""
    below = isqrt(sum(x.below * x.below for x in parts))
    above = isqrt(sum(x.above * x.above for x in parts))
    widths = {x.cause: x.below + x.above for x in parts if x.below + x.above}
    return max(0, expected - below), expected + above, widths


def _part(cause: str, size: int, per_thousand: list[int]) -> Part:
    below, above = per_thousand
    return Part(cause, size, size * below // 1000, size * above // 1000)


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(asset("interval.json").read_text(encoding="utf-8"))
    return table
