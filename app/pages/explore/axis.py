"""An axis of the scatter: where a value stands on it, which value stands somewhere, and its round marks. Qt-free."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import overload

import numpy as np

from planner.explore.explored import Floats
from planner.units import GIB

EVEN_MOST = 3.5  # times what the machine has: plans beyond need a logarithmic axis, or the rest is one line
EVEN_LEAST = 0.08  # of the axis: where the middle plan needs less, the same

ROUND_GIB = (64, 16, 8, 4, 2, 1, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01)
"""The load line stands at multiples of one of these, or where the machine has it."""

STEP_PX = 4  # that a key moves the load line by, about


@dataclass(frozen=True)
class Axis:
    """low, high: the values at its ends; log: whether equal steps are equal ratios."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def of_bytes(cls, x: Floats, budget: float, capacity: float) -> Axis:
        """Holds every need and what the machine has; even where that tells plans apart, else logarithmic."""
        room = max(budget, capacity, 1.0)
        if not len(x):
            return cls(0.0, 1.25 * room)
        most, middle = float(x.max()), float(np.median(x))
        top = max(most, room) * 1.06
        if most <= EVEN_MOST * room and middle >= EVEN_LEAST * top:
            return cls(0.0, top)
        least = max(1.0, min(float(x.min()), budget))
        return cls(least / 1.25, max(most, room) * 1.2, log=True)

    @classmethod
    def of_costs(cls, y: Floats, *, log: bool) -> Axis:
        """Holds every cost with a margin; logarithmic only over costs above zero."""
        if not len(y):
            return cls(1.0, 10.0, log=True) if log else cls(0.0, 1.0)
        least, most = float(y.min()), float(y.max())
        if log and least > 0:
            margin = max((most / least) ** 0.06, 1.15)
            return cls(least / margin, most * margin, log=True)
        margin = 0.06 * (most - least) or 0.1 * abs(most) or 1.0
        return cls(least - margin if least < 0 or least > 3 * margin else min(0.0, least) - margin / 2, most + margin)

    @overload
    def place(self, value: float) -> float: ...
    @overload
    def place(self, value: Floats) -> Floats: ...
    def place(self, value: float | Floats) -> float | Floats:
        """0 to 1 along the axis; values outside are outside."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        span = math.log(self.high / self.low)
        if isinstance(value, np.ndarray):
            with np.errstate(divide="ignore", invalid="ignore"):
                found: Floats = np.log(value / self.low) / span
            return found
        return math.log(max(value, 1e-300) / self.low) / span

    def value(self, place: float) -> float:
        if self.log:
            return float(self.low * (self.high / self.low) ** place)
        return self.low + place * (self.high - self.low)

    def round_bytes(self, place: float, width: float) -> int:
        """A round number of bytes at a place, as fine as can be told apart on an axis `width` pixels long."""
        wanted = self.value(min(1.0, max(0.0, place)))
        step = self._step(wanted, 1 / max(width, 1.0))
        return self._within(round(wanted / step) * step, step)

    def step_bytes(self, from_bytes: float, steps: int, width: float) -> int:
        """Round bytes so many steps of a key away."""
        step = self._step(from_bytes, STEP_PX / max(width, 1.0))
        return self._within((round(from_bytes / step) + steps) * step, step)

    def _step(self, at: float, share: float) -> float:
        """The largest round step that is no wider than `share` of the axis there."""
        across = self.value(self.place(max(at, 1.0)) + share) - at
        return next((s for s in ROUND_GIB if s * GIB <= across), ROUND_GIB[-1]) * GIB

    def _within(self, found: float, least: float) -> int:
        return round(min(self.high, max(self.low, least, found)))

    def byte_ticks(self, most: int) -> list[tuple[float, str]]:
        """(bytes, label in GiB), at most `most`: powers of two on a logarithmic axis."""
        if self.log:
            first, last = math.ceil(math.log2(self.low / GIB)), math.floor(math.log2(self.high / GIB))
            every = max(1, math.ceil((last - first + 1) / max(most, 1)))
            return [(2.0**power * GIB, f"{2.0**power:g}") for power in range(first, last + 1, every)]
        step = 1 / 64
        while (self.high - self.low) / GIB / step > most:
            step *= 2
        first, last = math.ceil(self.low / GIB / step), math.floor(self.high / GIB / step)
        return [(i * step * GIB, f"{i * step:g}") for i in range(first, last + 1)]

    def ticks(self, most: int, words: Callable[[float], str]) -> list[tuple[float, str]]:
        """(value, label), at most about `most` round ones."""
        if self.log:
            return [(v, words(v)) for v in self._ratios(most)]
        step = round_step((self.high - self.low) / max(most, 1))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(i * step, words(i * step)) for i in range(first, last + 1)]

    def _ratios(self, most: int) -> list[float]:
        """Doublings over a short range, while their figures are short; else 1, 2, 5 of each power of ten, or powers."""
        first, last = math.ceil(math.log2(self.low)), math.floor(math.log2(self.high))
        if first >= -2 and 3 <= last - first + 1 <= most:
            return [2.0**n for n in range(first, last + 1)]
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for digits in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1, 3), (1,)):
            found = [d * 10.0**n for n in powers for d in digits if self.low <= d * 10.0**n <= self.high]
            if len(found) <= most:
                return found
        return found[:: math.ceil(len(found) / max(most, 1))]


def round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below `least`."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((d * power for d in (1, 2, 5) if d * power >= least * (1 - 1e-9)), 10 * power)
