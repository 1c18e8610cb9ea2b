"""Which of the stated figures a measurement is held against: reserved against reserved, a process against a process.

A card's driver does not always tell how much a process holds; then the worker measures what torch reserved, and the
context of the process is in neither figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

RESERVED = "reserved"


class Figures(NamedTuple):
    """Bytes; zeros where nothing could be told."""

    low: int = 0
    expected: int = 0
    high: int = 0


def said_of(predicted: Mapping[str, Any], source: str) -> Figures:
    """predicted: what a RunSpec kept; source: the counter that measured, as in the journal's memory events."""
    low, expected, high, reserved = (
        value if isinstance(value := predicted.get(name), int) else 0
        for name in ("low_bytes", "peak_bytes", "high_bytes", "reserved_bytes")
    )
    context = expected - reserved if source == RESERVED and reserved else 0
    return Figures(max(0, low - context), expected - context, max(0, high - context))
