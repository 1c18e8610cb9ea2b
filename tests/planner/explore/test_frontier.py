"""The frontier is what brute force says it is: every row that no other beats, and of equal ones the first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.explore.frontier import SAMPLE, frontier


def brute_force(x: list[float], y: list[float], among: list[bool]) -> list[int]:
    rows = [i for i in range(len(x)) if among[i] and x[i] == x[i] and y[i] == y[i]]

    def beats(a: int, b: int) -> bool:
        equal = x[a] == x[b] and y[a] == y[b]
        return x[a] <= x[b] and y[a] <= y[b] and (not equal or a < b)

    return sorted((i for i in rows if not any(beats(j, i) for j in rows if j != i)), key=lambda i: x[i])


values = st.one_of(st.integers(0, 6).map(float), st.just(float("nan")), st.just(float("inf")))
spaces = st.lists(st.tuples(values, values, st.booleans()), max_size=40)


@given(spaces)
def test_the_frontier_is_that_of_brute_force(space: list[tuple[float, float, bool]]) -> None:
    x, y, among = ([row[i] for row in space] for i in range(3))
    found = frontier(np.array(x, float), np.array(y, float), np.array(among, bool))
    assert found.tolist() == brute_force(x, y, among)  # type: ignore[arg-type]


@given(spaces)
def test_without_a_choice_every_row_counts(space: list[tuple[float, float, bool]]) -> None:
    x, y = [row[0] for row in space], [row[1] for row in space]
    assert frontier(np.array(x, float), np.array(y, float)).tolist() == brute_force(x, y, [True] * len(x))


@pytest.mark.parametrize("seed", range(4))
def test_weeding_out_by_a_sample_leaves_the_frontier_as_it_is(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = SAMPLE * 6
    x = random.integers(0, 3000, n)  # bytes are whole numbers, so there are ties
    y = np.round(3000 / (1 + x) + random.random(n) * 10, 1)
    among = random.random(n) < 0.8
    found = frontier(x, y, among)
    order = sorted(np.flatnonzero(among).tolist(), key=lambda i: (x[i], y[i], i))
    kept, least = [], float("inf")
    for i in order:
        if y[i] < least:
            kept.append(i)
            least = y[i]
    assert found.tolist() == kept
    assert len(kept) > 3


def test_where_every_row_is_on_it_all_come_back() -> None:
    x = np.arange(SAMPLE * 5)[::-1]
    assert frontier(x, -x.astype(float)).tolist() == list(range(SAMPLE * 5))[::-1]
