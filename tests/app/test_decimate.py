"""A decimated series is short, in order, and loses neither a peak nor a dip."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.widgets.decimate import Decimated

SERIES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=400)


@given(SERIES, st.integers(4, 40))
def test_highest_and_lowest_points_survive(values: list[float], most: int) -> None:
    series = Decimated(most)
    for x, y in enumerate(values):
        series.append(x, y)
    _xs, ys = series.points()
    assert max(ys) == max(values)
    assert min(ys) == min(values)


@given(SERIES, st.integers(4, 40))
def test_never_more_than_twice_the_buckets_and_in_rising_order(values: list[float], most: int) -> None:
    series = Decimated(most)
    for x, y in enumerate(values):
        series.append(x, y)
    xs, ys = series.points()
    assert len(xs) == len(ys) <= 2 * most
    assert xs == sorted(xs)
    assert all(values[int(x)] == y for x, y in zip(xs, ys, strict=True))


@given(SERIES, st.integers(0, 400))
def test_nothing_at_or_beyond_a_cut_remains(values: list[float], at: int) -> None:
    series = Decimated(16)
    for x, y in enumerate(values):
        series.append(x, y)
    series.cut_from(at)
    assert all(x < at for x in series.points()[0])
