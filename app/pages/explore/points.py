"""What the scatter shows: the plans' places, which of them are worth painting, and which is nearest to a pointer.

Plain columns and arithmetic: it knows neither widgets nor colours, and may be run on any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.pages.explore.axis import Axis
from app.widgets.markers import Marker
from planner.explore.explored import Floats, Ints, Mask
from planner.units import GIB

MOST_GROUPS = 8


@dataclass(frozen=True)
class Group:
    """Plans that have one marker in common."""

    name: str
    marker: Marker


@dataclass(frozen=True, eq=False)
class ScatterData:
    """One entry of a column for each plan.

    x: bytes needed at the peak. y: the cost, in the unit that its axis is read in; NaN where it is not known, such
    plans are left out. group: number in `groups`. among: the plans that the filters leave. frontier: numbers of plans
    that no other beats, by rising x. budget_bytes: what the machine has for this run now; capacity_bytes: in all.
    y_words: a cost as a person reads it. y_ticks: marks to use in place of round ones, as for classes.
    """

    x: Floats
    y: Floats
    group: Ints
    groups: tuple[Group, ...]
    among: Mask
    frontier: Ints
    budget_bytes: int
    capacity_bytes: int
    y_title: str
    y_words: Callable[[float], str]
    log_y: bool = True
    sentence: str = ""
    x_title: str = "Peak memory, GiB"
    y_ticks: tuple[tuple[float, str], ...] = ()

    def __post_init__(self) -> None:
        assert len(self.groups) <= MOST_GROUPS
        assert len(self.x) == len(self.y) == len(self.group) == len(self.among)

    @cached_property
    def known(self) -> Mask:
        """Plans that have a place on both axes."""
        found: Mask = np.isfinite(self.x) & np.isfinite(self.y)
        return found & (self.y > 0) if self.log_y else found

    @cached_property
    def shown(self) -> Ints:
        """Numbers of the plans that are shown: known and among the filtered."""
        return np.flatnonzero(self.known & self.among)

    @cached_property
    def frontier_shown(self) -> Ints:
        """The frontier's plans that have a place."""
        rows = self.frontier.astype(np.int64)
        found: Ints = rows[(self.known & self.among)[rows]]
        return found

    @property
    def left_out(self) -> int:
        """Plans among the filtered without a known cost."""
        return int(np.count_nonzero(self.among)) - len(self.shown)

    @property
    def whole_sentence(self) -> str:
        """The sentence, and how many plans have no place on the chart."""
        if not self.left_out:
            return self.sentence
        one = self.left_out == 1
        return f"{self.sentence} {self.left_out:,} {'is' if one else 'are'} left out: the cost is not known.".strip()

    @cached_property
    def axes(self) -> tuple[Axis, Axis]:
        """Over all plans and not only the filtered, so that a filter moves no point."""
        x, y = self.x[self.known], self.y[self.known]
        if self.y_ticks:
            marks = [value for value, _ in self.y_ticks]
            return Axis.of_bytes(x, self.budget_bytes, self.capacity_bytes), Axis(min(marks) - 0.5, max(marks) + 0.5)
        return Axis.of_bytes(x, self.budget_bytes, self.capacity_bytes), Axis.of_costs(y, log=self.log_y)

    def words_of(self, row: int) -> str:
        """A plan as a sentence for who does not see the chart."""
        name = self.groups[int(self.group[row])].name
        return f"{self.x[row] / GIB:.2f} GiB, {self.y_title} {self.y_words(float(self.y[row]))}, {name}"

    def same_places(self, other: ScatterData) -> bool:
        """Whether a picture of the other shows these plans where they are, but for the filters."""
        return self.x is other.x and self.y is other.y and self.axes == other.axes


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the shown plans stand within a plot of some size, in device-independent pixels from its upper left corner.

    rows: their numbers. px, py: their places. Sorted by square cells of `reach`, so that the nearest to a pointer is
    found among a few; starts: where each cell begins.
    """

    rows: Ints
    px: Floats
    py: Floats
    reach: float
    across: int
    down: int
    starts: Ints

    @classmethod
    def of(cls, data: ScatterData, width: float, height: float, reach: float) -> Placed:
        rows = data.shown
        x_axis, y_axis = data.axes
        px = np.asarray(x_axis.place(data.x[rows]) * width)
        py = np.asarray((1 - y_axis.place(data.y[rows])) * height)
        across, down = max(1, int(width / reach) + 1), max(1, int(height / reach) + 1)
        cell = _cells(px, across, reach) + across * _cells(py, down, reach)
        order = np.argsort(cell, kind="stable")
        starts = np.searchsorted(cell[order], np.arange(across * down + 1))
        return cls(rows[order], px[order], py[order], reach, across, down, starts)

    def nearest(self, x: float, y: float) -> int:
        """Number of the plan nearest to a place within reach, −1 where there is none."""
        column, line = int(x // self.reach), int(y // self.reach)
        best, found = self.reach**2, -1
        left, right = max(column - 1, 0), min(column + 1, self.across - 1)
        for row in range(max(line - 1, 0), min(line + 1, self.down - 1) + 1):
            if left > right:
                break
            a, b = int(self.starts[row * self.across + left]), int(self.starts[row * self.across + right + 1])
            if a == b:
                continue
            far = (self.px[a:b] - x) ** 2 + (self.py[a:b] - y) ** 2
            at = int(far.argmin())
            if far[at] <= best:
                best, found = float(far[at]), int(self.rows[a + at])
        return found

    def neighbour(self, row: int, *, up: bool) -> int:
        """The nearest plan above or below another, rather than beside it; −1 where there is none."""
        at = np.flatnonzero(self.rows == row)
        if not len(at):
            return -1
        dx = np.abs(self.px - self.px[at[0]])
        dy = (self.py[at[0]] - self.py) if up else (self.py - self.py[at[0]])
        meant = (dy > 0.5) & (dx <= dy)
        if not meant.any():
            return -1
        far = np.where(meant, dx * dx + dy * dy, np.inf)
        return int(self.rows[int(far.argmin())])

    def worth_painting(self, group: Ints, groups: int, cell: float, always: Ints) -> Ints:
        """Positions in `rows` of one plan for each square cell and group, and of those always painted, in an order
        that mixes the groups, so that none lies over all others."""
        if not len(self.rows):
            return np.zeros(0, np.int64)
        across = int(self.px.max(initial=0.0) // cell) + 2
        column, line = np.maximum(self.px // cell, 0).astype(np.int64), np.maximum(self.py // cell, 0).astype(np.int64)
        key = (line * across + column) * max(groups, 1) + group[self.rows]
        first = np.full(int(key.max()) + 1, -1, np.int64)
        first[key[::-1]] = np.arange(len(key) - 1, -1, -1)
        kept = first[first >= 0]
        wanted = np.flatnonzero(np.isin(self.rows, always))
        mixed = kept[np.argsort(kept * 2654435761 % 2**32, kind="stable")]
        return np.concatenate([mixed[~np.isin(mixed, wanted)], wanted])


def _cells(places: Floats, cells: int, reach: float) -> Ints:
    return np.clip(places // reach, 0, cells - 1).astype(np.int64)
