"""How far a prediction may lie from the truth, by what makes it so. Widths are a table (`assets/interval.json`).

The causes have nothing to do with each other, so their widths are joined as roots of sums of squares, below and above
by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from math import sqrt
from typing import Any, NamedTuple

from planner.assets import asset
from planner.units import words


class Cause(NamedTuple):
    """One reason for not knowing better. below, above: bytes by which the truth may lie from what is expected."""

    name: str
    below: int
    above: int


def share(name: str, size: int, per_thousand: tuple[int, int]) -> Cause:
    """A cause that grows with what it is of."""
    below, above = per_thousand
    return Cause(name, size * below // 1000, size * above // 1000)


def around(name: str, ends: tuple[int, int, int]) -> Cause:
    """A cause given as low, expected and high bytes."""
    low, expected, high = ends
    return Cause(name, expected - low, high - expected)


def ends(expected: int, causes: Iterable[Cause]) -> tuple[int, int]:
    """Low and high around `expected`. In floating point, so that a grid of plans has the same to the byte."""
    causes = tuple(causes)
    below = int(sqrt(sum([float(x.below) * x.below for x in causes])))
    above = int(sqrt(sum([float(x.above) * x.above for x in causes])))
    return max(0, expected - below), expected + above


def causes_in_words(causes: Iterable[Cause]) -> str:
    """`Low and high by cause: context −50 MiB +90 MiB, …`, widest first; empty where nothing is open."""
    left_open = sorted((x for x in causes if x.below or x.above), key=lambda x: -(x.below + x.above))
    told = ", ".join(f"{x.name} −{words(x.below)} +{words(x.above)}" for x in left_open)
    return f"Low and high by cause: {told}." if told else ""


def states_width(kind: str) -> tuple[int, int]:
    """Per thousand of weights, adapters, gradients and optimizer states: exact, packed or paged_or_partitioned."""
    return _widths("states")[kind]


def activations_width(task: str) -> tuple[int, int]:
    """Per thousand of what grows with the batch: train, train_compiled, infer or load; nothing for any other."""
    return _widths("activations").get(task, (0, 0))


def length_width(known: str) -> tuple[int, int]:
    """Per thousand of what grows with the batch, by how the longest row is known: exact, longest_known,
    longest_inferred or cap_only."""
    return _widths("length")[known]


@lru_cache(maxsize=8)
def _widths(group: str) -> dict[str, tuple[int, int]]:
    return {k: (v[0], v[1]) for k, v in table()[group].items() if isinstance(v, list)}


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asset("interval.json").read_text(encoding="utf-8"))
    return found
