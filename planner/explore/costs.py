"""What a plan costs beside memory, for the other axis: each cost is a column of what was explored, with its words.

It works nothing out that is not in the columns. What a person has to say for it (a price, the watts) is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.explore.explored import Explored, Floats
from planner.explore.quality import said_of
from planner.units import words

HOUR_S, MINUTE_S, DAY_S = 3600.0, 60.0, 86400.0
JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Cost:
    """One cost. key: for files and commands; title: over the axis; unit: of the column's figures, empty for none.

    text: one figure as people read it. more_is_better: a frontier and an order then go by the column's negative.
    """

    key: str
    title: str
    unit: str
    column: Callable[[Explored], Floats]
    text: Callable[[float], str]
    more_is_better: bool = False

    def to_minimise(self, explored: Explored) -> Floats:
        """The column, turned so that smaller is better; NaN where it is not known."""
        column = self.column(explored)
        return -column if self.more_is_better else column


def span(seconds: float) -> str:
    """`40 s`, `14 min`, `0.54 h`, `31 h`, `12 days`; `not known` for NaN."""
    if seconds != seconds:
        return "not known"
    if seconds < 0.95:
        return f"{seconds:.2g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 0.5 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    if seconds < 4 * DAY_S:
        hours = seconds / HOUR_S
        return f"{hours:.2f} h" if hours < 10 else f"{hours:.0f} h"
    return f"{seconds / DAY_S:,.0f} days"


def share(part: float) -> str:
    """`0.52 %`, `100 %`, `less than 0.01 %`."""
    percent = 100 * part
    if 0 < percent < 0.01:
        return "less than 0.01 %"
    return f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %"


def _seconds(explored: Explored) -> Floats:
    return explored.seconds


def _trainable(explored: Explored) -> Floats:
    """Of the model's elements; a trained adapter beside it may be more than the model itself."""
    found: Floats = explored.trainable / max(1, explored.space.plan.model.params)
    return found


def _saved(explored: Explored) -> Floats:
    return explored.saved.astype(np.float64)


def _quality(explored: Explored) -> Floats:
    return explored.quality.astype(np.float64)


def quality_words(of_class: float) -> str:
    """What plans of the class learn with; which comparisons order the classes, its sources say."""
    return said_of(round(of_class)).words


SECONDS = Cost("seconds", "Time per epoch", "s", _seconds, span)
TRAINABLE = Cost("trainable", "Trainable share", "", _trainable, share, more_is_better=True)
SAVED = Cost("saved", "Size of the result", "bytes", _saved, lambda size: words(round(size)))
QUALITY = Cost("quality", "What can be learned", "", _quality, quality_words)

COSTS: tuple[Cost, ...] = (SECONDS, TRAINABLE, SAVED, QUALITY)
"""Those that need nothing from a person, in the order in which they are offered; the first is the usual one."""


def money(per_hour: float, currency: str = "") -> Cost:
    """Of one epoch, at what the machine costs in an hour; 0 while nobody has said it, no cost is then known. ValueError for
    a price below 0 or without end."""
    if not 0 <= per_hour < float("inf"):
        raise ValueError(f"not a price: {per_hour}")
    unknown = "not known" if per_hour else "type a price per hour"

    def column(explored: Explored) -> Floats:
        found: Floats = explored.seconds * (per_hour / HOUR_S if per_hour else np.nan)
        return found

    def text(amount: float) -> str:
        return unknown if amount != amount else f"{_amount(amount)} {currency}".strip()

    return Cost("money", "Price per epoch", currency, column, text)


def _amount(amount: float) -> str:
    """`12.30`, `0.35`, `0.00052`: hundredths, or two digits that say something where there are none."""
    if amount >= 0.1 or amount == 0:
        return f"{amount:,.2f}"
    whole = f"{amount:.{1 - math.floor(math.log10(amount))}f}".rstrip("0")
    return whole if len(whole) >= len("0.00") else f"{amount:.2f}"


def energy(watts: float) -> Cost:
    """Of one epoch, at the power that was seen in this device's own runs. ValueError for watts below 0 or without end."""
    if not 0 <= watts < float("inf"):
        raise ValueError(f"no power: {watts}")

    def column(explored: Explored) -> Floats:
        found: Floats = explored.seconds * (watts / JOULES_PER_KWH)
        return found

    return Cost("energy", "Energy per epoch", "kWh", column, _kwh)


def _kwh(amount: float) -> str:
    if amount != amount:
        return "not known"
    return f"{amount:.2f} kWh" if amount >= 0.1 else f"{amount * 1000:.2g} Wh"
