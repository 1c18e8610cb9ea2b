"""What a cut costs: of rows longer than the plan's length the rest is lost, and this says how much."""

from __future__ import annotations

from dataclasses import dataclass

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
    over = [n - length for n in data.lengths if n > length]
    dropped = 0
    if not isinstance(at, int) and at.completion_only and data.form == "prompt_completion" and data.prompt_lengths:
        pairs = zip(data.lengths, data.prompt_lengths, strict=True)
        lost = [(n, p) for n, p in pairs if p >= min(n, length)]
        dropped = len(lost)
        over += [min(n, length) for n, _ in lost]  # what the cut had left of them goes too
    return Cut(
        length,
        len(data.lengths),
        sum(data.lengths),
        sum(n > length for n in data.lengths),
        sum(over),
        dropped,
        data.lengths_from == "counted",
    )
