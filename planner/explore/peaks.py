"""From sums to what a plan's process needs at its fullest: low, expected and high, for many plans at once.

The same arithmetic as `planner.estimate` and `planner.kept`, on tables; a test holds them together plan by plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.calibration import apply
from planner.calibration.apply import Learned
from planner.explore.lines_of import steps_of
from planner.interval import activations_width, length_width, states_width
from planner.kept import BACKWARD, share_of_update
from planner.ledger import At
from planner.timeline import TRAINING

Table = NDArray[np.int64]
Three = tuple[Table, Table, Table]


class Rows(NamedTuple):
    """What is known of many plans at the device that computes. totals, states: plans × instants × batches; working,
    logits: plans × steps × batches; update: plans × batches; small, trained: of the small pool and in all, plans × 1;
    rests: (share, below, above) per thousand, plans × 3.
    """

    totals: Table
    states: Table
    working: Table
    logits: Table
    update: Table
    small: Table
    trained: Table
    rests: Table


@dataclass(frozen=True)
class Beside:
    """What stands beside the ledger: of each plan its context (low, expected, high; plans × batches) and what the
    allocator holds for each thousand live bytes (plans × 3). caching: torch's caching allocator rules instead."""

    context: Three
    per_thousand: Table
    caching: bool
    learned: Learned | None


class Peaks(NamedTuple):
    """Bytes of the process, plans × batches. live: of tensors."""

    live: Table
    low: Table
    expected: Table
    high: Table


def peaks(rows: Rows, timeline: tuple[At, ...], beside: Beside, certain: NDArray[np.bool_], *, card: bool) -> Peaks:
    """certain: of each batch whether its shape is known. card: live tensors of a card are open as well."""
    at = rows.totals.argmax(axis=1)[:, None, :]
    live = np.take_along_axis(rows.totals, at, axis=1)[:, 0]
    grows = live - np.take_along_axis(rows.states, at, axis=1)[:, 0]
    allocator = _kept(rows, timeline, live) if beside.caching else _of_band(live, beside.per_thousand)
    if beside.learned is not None:
        learnt = grows if beside.learned.activations else np.zeros_like(live)
        allocator = apply.allocator(beside.learned, allocator, live, learnt)
    context = beside.context
    expected = live + context[1] + allocator[1]
    if not card:
        return Peaks(live, live + context[0] + allocator[0], expected, live + context[2] + allocator[2])
    low, high = _ends(expected, [*map(_around, (allocator, context)), *_open(live - grows, grows, certain)])
    return Peaks(live, low, expected, high)


def of_band(live: Table, context: Three, per_thousand: Table) -> Three:
    """Low, expected and high bytes of a place that no device computes in."""
    kept = _of_band(live, per_thousand)
    return live + context[0] + kept[0], live + context[1] + kept[1], live + context[2] + kept[2]


def _of_band(live: Table, per_thousand: Table) -> Three:
    low, expected, high = (live * per_thousand[:, i : i + 1] // 1000 for i in range(3))
    return low, expected, high


def _kept(rows: Rows, timeline: tuple[At, ...], live: Table) -> Three:
    """`planner.kept.kept` on tables."""
    small = rows.small + share_of_update(rows.small, rows.update, rows.trained)
    most = np.zeros_like(live)
    steps = steps_of(timeline)
    for i, (stage, phase, moment) in enumerate(timeline):
        total = rows.totals[:, i]
        a, b = (table[:, steps.index((stage, phase))] for table in (rows.working, rows.logits))
        if moment == "loss":
            most = np.maximum(most, total + a + small)
        elif moment in BACKWARD:
            most = np.maximum(most, total + a + b - np.maximum(a, b) + small)
        elif moment in TRAINING:
            most = np.maximum(most, total)
    share, below, above = (rows.rests[:, i : i + 1] for i in range(3))
    most = np.maximum(most + most * share // 1000, live)
    return np.maximum(most - most * below // 1000, live) - live, most - live, most + most * above // 1000 - live


def _around(three: Three) -> tuple[Table, Table]:
    low, expected, high = three
    return expected - low, high - expected


def _open(states: Table, grows: Table, certain: NDArray[np.bool_]) -> list[tuple[Table, Table]]:
    """`planner.beside.open_tensors` on tables."""
    exact, cap = length_width("exact"), length_width("cap_only")
    length = [np.where(certain, e, c).astype(np.int64)[None, :] for e, c in zip(exact, cap, strict=True)]
    share: Callable[[Table, int | Table], Table] = lambda size, of: size * of // 1000  # noqa: E731
    return [
        tuple(share(states, width) for width in states_width("exact")),  # type: ignore[list-item]
        tuple(share(grows, width) for width in activations_width("train")),  # type: ignore[list-item]
        tuple(share(grows, width) for width in length),  # type: ignore[list-item]
    ]


def _ends(expected: Table, causes: list[tuple[Table, Table]]) -> tuple[Table, Table]:
    """`planner.interval.ends` on tables."""

    def joined(side: int) -> Table:
        total = np.zeros(expected.shape)
        for cause in causes:
            wide = cause[side].astype(np.float64)
            total = total + wide * wide
        return np.sqrt(total).astype(np.int64)

    return np.maximum(0, expected - joined(0)), expected + joined(1)
