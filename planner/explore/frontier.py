"""Which plans nothing else beats: no other needs less memory and costs less.

It compares numbers only; what a cost is stands in `costs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.explore.explored import Ints, Mask

SAMPLE = 1024  # rows whose own frontier weeds out most of the others before anything is sorted


def frontier(x: NDArray[Any], y: NDArray[Any], among: Mask | None = None) -> Ints:
    """Row numbers of the rows that no other beats, by ascending x; the smaller is the better in both.

    A row is beaten by one that is no larger in either and smaller in one. Of rows equal in both the first stands for
    all. A row with a NaN is never there. among: only these rows.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    rows = np.flatnonzero(known if among is None else known & among)
    if len(rows) > SAMPLE * 4:
        some = rows[:: len(rows) // SAMPLE]
        rows = _not_beaten_by(x, y, rows, some[_unbeaten(x[some], y[some])])
    return rows[_unbeaten(x[rows], y[rows])]


def _unbeaten(x: NDArray[Any], y: NDArray[Any]) -> Ints:
    """In the order x, y, number a row is beaten or repeated unless its y is below all before it."""
    order = np.lexsort((y, x))  # stable, so that the first of equal ones comes first
    sorted_y = y[order]
    below = np.ones(len(order), dtype=bool)
    below[1:] = sorted_y[1:] < np.minimum.accumulate(sorted_y)[:-1]
    found: Ints = order[below]
    return found


def _not_beaten_by(x: NDArray[Any], y: NDArray[Any], rows: Ints, best: Ints) -> Ints:
    """The rows without those that one of `best`, itself a frontier by ascending x, beats at a smaller x."""
    before = np.searchsorted(x[best], x[rows], side="left") - 1  # the last of `best` with a smaller x
    beaten = (before >= 0) & (y[rows] >= y[best][before])
    kept: Ints = rows[~beaten]
    return kept
