"""What a cut costs: of rows longer than the plan's length the rest is lost, and this says how much."""

from __future__ import annotations

from dataclasses import dataclass

from planner.facts.counts import counts, drops
from planner.facts.data import DataFacts
from planner.schedule import Schedule


@dataclass(frozen=True)
class Cut:
    """Of one pass over the data, at one length. rows_cut: rows that lose something; rows_dropped: of them those that the
    trainer leaves out, because their answer is cut away whole. tokens_cut: what is lost of tokens.

    certain: the lengths are counted, not estimated.
    """

    length: int
    rows: int
    tokens: int
    rows_cut: int
    tokens_cut: int
    rows_dropped: int = 0
    certain: bool = True

    @property
    def rows_share(self) -> float:
        return self.rows_cut / self.rows if self.rows else 0.0

    @property
    def tokens_share(self) -> float:
        return self.tokens_cut / self.tokens if self.tokens else 0.0


def cut(data: DataFacts, at: Schedule | int) -> Cut:
    """At a plan's length, or at any. Of a bare length no row counts as dropped."""
    length = at if isinstance(at, int) else at.max_length
    counted = counts(data)
    n_rows, tokens = len(data.lengths), sum(n * times for n, times in counted.lengths.items())
    left = _rows_and_tokens(counted.cut(length, dropping=not isinstance(at, int) and drops(data, at)))
    return Cut(
        length,
        n_rows,
        tokens,
        sum(times for n, times in counted.lengths.items() if n > length),
        tokens - left[1],
        n_rows - left[0],
        data.lengths_from == "counted",
    )


def _rows_and_tokens(counted: dict[int, int]) -> tuple[int, int]:
    return sum(counted.values()), sum(n * times for n, times in counted.items())
