"""The histogram holds every row once, and a cut says exactly what it takes away."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from planner.facts.data import DataFacts
from planner.facts.histogram import cut, histogram


def data(lengths: list[int], prompts: tuple[int, ...] = ()) -> DataFacts:
    return DataFacts("d", "", "messages", len(lengths), 1, "s", tuple(lengths), "counted", prompt_lengths=prompts)


@given(st.lists(st.integers(0, 500_000), min_size=1), st.integers(1, 60))
def test_every_row_lies_in_one_bin(lengths: list[int], bins: int) -> None:
    found = histogram(data(lengths), bins)
    assert sum(b.rows for b in found) == len(lengths)
    assert len(found) <= bins
    assert found[0].start == 0
    assert all(a.end == b.start for a, b in pairwise(found))
    for n in set(lengths):
        assert sum(b.start <= n < b.end for b in found) == 1


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(1, 1000))
def test_a_cut_counts_rows_and_tokens(lengths: list[int], max_length: int) -> None:
    found = cut(data(lengths), max_length)
    assert found.rows_cut == sum(n > max_length for n in lengths)
    assert found.tokens - found.tokens_cut == sum(min(n, max_length) for n in lengths)


def test_a_cut_is_said_in_percent() -> None:
    assert str(cut(data([100, 100, 300, 500]), 200)) == "50.0 % of rows cut, 40.0 % of tokens."
    assert str(cut(data([10]), 20)) == "No row is cut."
    assert cut(data([10, 20], (3, 15)), 12).dropped == 1
    assert histogram(DataFacts("d", "", "messages", 1, 1, "s")) == ()
