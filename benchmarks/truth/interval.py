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


def states(size: int) -> Part:
    """Weights, adapters, gradients and optimizer states: counted from shapes."""
    return _part("exact states", size, _table()["states"]["exact"])


def activations(row: Row, size: int) -> list[Part]:
    """What grows with the batch, and how well its length is known."""
    kinds = _table()
    length = kinds["length"][row.seq_len_kind or "exact"]
    return [
        _part("activations", size, kinds["activations"].get(row.task, [0, 0])),
        Part("data length", 0, size * length[0] // 1000, size * length[1] // 1000),
    ]


def unnamed(allocated: int, most: int) -> Part:
    """A figure whose tool is not named may be any between these; its G may be either of two."""
    below, above = _table()["unit"]["unknown"]
    return Part("which counter", 0, allocated * below // 1000, max(most - allocated, allocated * above // 1000))


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
