"""What the trust page compares: one record a run, with what was said of it and what it took. Qt-free.

Published runs come from a table that the benchmark writes; nothing here is worked out by hand. A person's own runs are
read by `own`. A record has no opinion: the split of its miss is `split`'s, filters and order are `state`'s.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from planner.assets import asset


class Origin(StrEnum):
    """Where a row comes from; each has a marker of its own in the chart."""

    PUBLISHED = "published"
    RUN = "own run"
    PROOF = "proof"


COUNTERS = {
    "allocated": "live tensors (allocated)",
    "active": "live blocks (active)",
    "reserved": "the allocator (reserved)",
    "process": "the process",
    "device_used": "the whole card",
    "torch_unspecified": "torch, counter not named",
    "unknown": "counter not named",
}


SHORT = {"device_used": "whole card", "torch_unspecified": "not named", "unknown": "not named"}


@dataclass(frozen=True)
class Reading:
    """One counter of a run: predicted and measured bytes. name: allocated, reserved, process, after_load,
    optimizer_state or gradient."""

    name: str
    predicted: int
    measured: int


@dataclass(frozen=True)
class TrustRow:
    """One run. low, expected, high and measured are bytes of the counter that `counter` names.

    low and high are 0 where no band was kept. techniques: most telling first. parts: predicted bytes by what they are, empty where only sums were kept.
    readings: further counters of the same run. key: names the row among all.
    """

    key: str
    origin: Origin
    name: str
    source: str
    model: str
    card: str
    techniques: tuple[str, ...]
    counter: str
    low: int
    expected: int
    high: int
    measured: int
    parts: tuple[tuple[str, int], ...] = ()
    readings: tuple[Reading, ...] = ()

    @property
    def miss_bytes(self) -> int:
        """What was said less what it took: below zero is what runs out of memory."""
        return self.expected - self.measured

    @property
    def miss_pct(self) -> float:
        return 100 * self.miss_bytes / self.measured

    @property
    def inside(self) -> bool:
        """Whether what it took lies within what was said, which nobody can say without a band."""
        return not self.high or self.low <= self.measured <= self.high

    @property
    def counter_words(self) -> str:
        return COUNTERS.get(self.counter, self.counter)

    @property
    def short_counter(self) -> str:
        return SHORT.get(self.counter, self.counter)


@lru_cache(maxsize=1)
def published() -> tuple[TrustRow, ...]:
    """The published runs that the benchmark scores, in its order."""
    found = json.loads(asset("trust.json").read_text(encoding="utf-8"))
    return tuple(_published(dict(zip(found["fields"], row, strict=True))) for row in found["rows"])


def _published(row: dict[str, Any]) -> TrustRow:
    return TrustRow(
        key=f"{Origin.PUBLISHED}/{row['id']}",
        origin=Origin.PUBLISHED,
        name=row["id"],
        source=row["source"],
        model=row["model"],
        card=row["card"],
        techniques=tuple(row["techniques"]),
        counter=row["metric"],
        low=row["low"],
        expected=row["expected"],
        high=row["high"],
        measured=row["measured"],
        parts=tuple(row["parts"].items()),
        readings=tuple(Reading(name.removesuffix("_bytes"), *pair) for name, pair in row["readings"].items()),
    )
