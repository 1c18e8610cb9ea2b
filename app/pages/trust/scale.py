"""Where a run stands in the trust chart: measured from left to right, and predicted, or the miss, from below. Qt-free.

Sizes are on logarithms, since runs reach from a few hundred MiB to a hundred GiB; both axes have the same range, so the
diagonal goes from corner to corner. The miss has a scale that is even near zero and logarithmic far from it: else one
run that missed by half would press all others onto one line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.pages.trust.rows import TrustRow
from app.pages.trust.state import BAND_PCT
from planner.units import GIB

EVEN_UP_TO_PCT = 2.0
MISS_TICKS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)


def bent(pct: float) -> float:
    """A miss on its scale."""
    return math.asinh(pct / EVEN_UP_TO_PCT)


@dataclass(frozen=True)
class Scale:
    """low, high: ends of both axes in logarithms of GiB; most: the largest miss on its scale."""

    low: float
    high: float
    most: float

    @classmethod
    def of(cls, rows: Sequence[TrustRow]) -> Scale:
        sizes = [math.log10(n / GIB) for r in rows for n in (r.measured, r.expected)] or [0.0, 1.0]
        misses = [abs(bent(r.miss_pct)) for r in rows] or [0.0]
        margin = max(0.06 * (max(sizes) - min(sizes)), 0.1)
        return cls(min(sizes) - margin, max(sizes) + margin, max(max(misses), bent(2 * BAND_PCT)) * 1.08)

    def x(self, measured: int) -> float:
        """0 to 1 from left to right."""
        return (math.log10(measured / GIB) - self.low) / (self.high - self.low)

    def y(self, predicted: int, measured: int, *, misses: bool) -> float:
        """0 to 1 from below."""
        if misses:
            return (bent(100 * (predicted - measured) / measured) / self.most + 1) / 2
        return self.x(max(predicted, 1))

    def size_ticks(self) -> list[tuple[float, str]]:
        """(place from 0 to 1, label in GiB): 1, 2 and 5 of every power, or only the powers where that is too many."""
        found = []
        few = self.high - self.low > 2.6
        for power in range(math.floor(self.low), math.ceil(self.high) + 1):
            for digit in (1,) if few else (1, 2, 5):
                at = (math.log10(digit) + power - self.low) / (self.high - self.low)
                if 0 <= at <= 1:
                    found.append((at, f"{digit * 10.0**power:g}"))
        return found

    def miss_ticks(self) -> list[tuple[float, str]]:
        """(place, label) on both sides of zero."""
        wanted = [t for t in MISS_TICKS if bent(t) < self.most]
        both = [-t for t in reversed(wanted)] + [0.0, *wanted]
        return [((bent(t) / self.most + 1) / 2, f"{'+' if t > 0 else '−' if t < 0 else ''}{abs(t):g} %") for t in both]
