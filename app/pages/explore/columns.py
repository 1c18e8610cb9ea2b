"""The table twin of the scatter, as columns that can be sorted over a hundred thousand plans and read for the few shown.

Qt-free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.pages.explore.facets import BATCH, LENGTH, RANK, Facets, number
from planner.explore.costs import span
from planner.explore.explored import DOES_NOT_FIT, FITS, TIGHT, Explored, Ints
from planner.units import words

VERDICTS = {FITS: "fits", TIGHT: "tight", DOES_NOT_FIT: "does not fit"}


@dataclass(frozen=True, eq=False)
class Column:
    """keys: what a plan is sorted by, one for each plan. words: what stands in its cell. figures: at the right."""

    name: str
    keys: NDArray[Any]
    words: Callable[[int], str]
    figures: bool = True


def columns_of(explored: Explored, facets: Facets, verdicts: Ints) -> tuple[Column, ...]:
    """Verdict and figures, then every question that has more than one answer."""
    found = [
        Column("Verdict", verdicts, lambda i: VERDICTS[int(verdicts[i])], figures=False),
        _of(explored.peak, "Peak", words),
        _of(explored.seconds, "Time", span),
        _of(explored.trainable, "Trained", number),
        _of(explored.saved, "Result", words),
    ]
    by_structure = [dict(structure.facets) for structure in explored.space.structures]
    of_structure = explored.structure
    own = {RANK: explored.rank, LENGTH: explored.max_length, BATCH: explored.micro_batch}
    for facet in facets.all:
        if facet.of_rows:
            found.append(_of(own[facet.name], facet.name, number))
            continue

        def answer(i: int, name: str = facet.name) -> str:
            return by_structure[int(of_structure[i])].get(name, "–")

        rank_of_answer = np.argsort(np.argsort(np.array([*facet.answers, "￿"])))  # by its words, none last
        keys = rank_of_answer[facet.codes][of_structure]
        found.append(Column(_heading(facet.name, found), keys, answer, figures=False))
    return tuple(found)


def in_order(column: Column, rows: Ints, *, falling: bool, most: int) -> Ints:
    """The first `most` of these rows in a column's order, equal ones in theirs; what is not known stands last."""
    keys = column.keys[rows].astype(np.float64)
    if falling:
        keys = -keys
    order = np.argsort(np.where(np.isnan(keys), np.inf, keys), kind="stable")
    found: Ints = rows[order[:most]]
    return found


def _of(values: NDArray[Any], name: str, told: Callable[[Any], str]) -> Column:
    return Column(name, values, lambda i: told(values[i].item()))


def _heading(name: str, before: list[Column]) -> str:
    """The question; `Method` where a figure has its word already."""
    return "Method" if name in {column.name for column in before} else name
