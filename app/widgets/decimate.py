"""Keeps a series of any length drawable: a bounded number of buckets, each with its lowest and highest point.

When the buckets are full, neighbours are merged; no peak and no dip is ever lost, which is what a memory curve is for.
Pure Python, no Qt and no numpy, so that it can be fed anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    low_x: float
    low: float
    high_x: float
    high: float
    points: int


class Decimated:
    """`append` in rising order of x; `xs` and `ys` are what to draw, at most twice `most` points.

    version: grows with every change, so that a drawer can tell whether there is anything new.
    """

    def __init__(self, most: int = 600) -> None:
        self._most = most
        self._per_bucket = 1
        self._buckets: list[_Bucket] = []
        self.version = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def append(self, x: float, y: float) -> None:
        self.version += 1
        last = self._buckets[-1] if self._buckets else None
        if last is None or last.points >= self._per_bucket:
            self._buckets.append(_Bucket(x, y, x, y, 1))
            if len(self._buckets) > self._most:
                self._merge()
            return
        last.points += 1
        if y < last.low:
            last.low_x, last.low = x, y
        if y > last.high:
            last.high_x, last.high = x, y

    def _merge(self) -> None:
        self._per_bucket *= 2
        merged = []
        for i in range(0, len(self._buckets), 2):
            pair = self._buckets[i : i + 2]
            low = min(pair, key=lambda b: b.low)
            high = max(pair, key=lambda b: b.high)
            merged.append(_Bucket(low.low_x, low.low, high.high_x, high.high, sum(b.points for b in pair)))
        self._buckets = merged

    def cut_from(self, x: float) -> None:
        """Forget what lies at `x` or beyond: a resumed run repeats the steps after its checkpoint."""
        kept = [b for b in self._buckets if max(b.low_x, b.high_x) < x]
        if len(kept) != len(self._buckets):
            self._buckets = kept
            self.version += 1

    def points(self) -> tuple[list[float], list[float]]:
        """(xs, ys): of each bucket its lowest and highest point in the order in which they came."""
        xs: list[float] = []
        ys: list[float] = []
        for b in self._buckets:
            pair = [(b.low_x, b.low), (b.high_x, b.high)]
            if b.points == 1 or b.low_x == b.high_x:
                pair = pair[:1]
            elif b.high_x < b.low_x:
                pair.reverse()
            for x, y in pair:
                xs.append(x)
                ys.append(y)
        return xs, ys
