"""What charts and tables are given to show: plain values with their words, made from an `Estimate` by a page's state.

Qt-free. A widget adds nothing up; it paints what stands here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from planner.ledger import At, Kind, Place
from planner.plan import Plan
from planner.units import words

RESERVED = -1  # key of the row and bar part for what the allocator holds beside live tensors
CONTEXT = -2  # and for what the process holds before any tensor


@dataclass(frozen=True)
class Part:
    """One part of a bar. key: the same number as its row in the table. kind None: allocator and runtime."""

    key: int
    label: str
    kind: Kind | None
    bytes: int


@dataclass(frozen=True)
class Bar:
    """One tier. others_bytes stand at the left; load_line_bytes: where this run must end, measured from zero.

    low, expected, high: ends of the run's own bytes, measured from zero too (others included).
    """

    place: Place
    name: str
    capacity_bytes: int
    others_bytes: int
    others: tuple[tuple[str, int], ...]
    parts: tuple[Part, ...]
    load_line_bytes: int
    low_bytes: int
    expected_bytes: int
    high_bytes: int
    sentence: str

    @property
    def axis_bytes(self) -> int:
        """How far the axis must reach, so that what does not fit is seen sticking out."""
        over = self.high_bytes > self.capacity_bytes
        return max(round(self.high_bytes * 1.04) if over else 0, self.capacity_bytes, 1)


@dataclass(frozen=True)
class Moment:
    """One instant of the timeline with the live bytes then."""

    at: At
    label: str
    phase: str
    bytes: int
    peak: bool


@dataclass(frozen=True)
class Row:
    """One line of the ledger at the chosen instant. share: of the whole at that instant, 0 to 1."""

    key: int
    what: str
    kind: Kind | None
    bytes: int
    share: float
    why: str


@dataclass(frozen=True)
class Bins:
    """Counts of rows per equal stretch of token length from 0 to `longest`; `cut` is the plan's length."""

    counts: tuple[int, ...]
    longest: int
    cut: int
    sentence: str


@dataclass(frozen=True)
class Suggestion:
    """A button that changes the plan. detail: its tool tip. possible: False greys it."""

    text: str
    detail: str
    plan: Plan
    possible: bool = True


def shown_value(value: Any, choices: tuple[tuple[Any, str], ...] = ()) -> str:
    """A value in words, for undo texts and menus."""
    for known, label in choices:
        if known == value:
            return label
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def wrapped_between(text: str) -> str:
    """The same words, broken between facts (` · `, `, `) rather than within a short one."""
    parts = re.split(r"( · |, )", text)
    return "".join(p if i % 2 or len(p) > 30 else p.replace(" ", "\u00a0") for i, p in enumerate(parts))


def span_words(low: int, high: int) -> str:
    """`14.02 – 15.61 GiB`; both units where they differ."""
    first, second = words(low), words(high)
    if first.rsplit(" ", 1)[-1] == second.rsplit(" ", 1)[-1]:
        first = first.rsplit(" ", 1)[0]
    return f"{first} – {second}"
