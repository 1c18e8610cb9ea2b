"""How long the rows are, and what a cut-off costs: rows cut, tokens lost. For the picture and for the sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from planner.facts.counts import counts
from planner.facts.data import DataFacts

NICE_WIDTHS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000)


@dataclass(frozen=True)
class Bin:
    """Rows with `start` ≤ tokens < `end`."""

    start: int
    end: int
    rows: int


@dataclass(frozen=True)
class Cut:
    """What `max_length` takes away. rows_cut of rows, tokens_cut of tokens; dropped: rows that lose their whole
    answer, which the trainer leaves out when only answers count."""

    max_length: int
    rows: int
    rows_cut: int
    tokens: int
    tokens_cut: int
    dropped: int = 0

    def __str__(self) -> str:
        if not self.rows_cut:
            return "No row is cut."
        rows = _percent(self.rows_cut, self.rows)
        tokens = _percent(self.tokens_cut, self.tokens)
        return f"{rows} of rows cut, {tokens} of tokens."


@lru_cache(maxsize=64)
def histogram(data: DataFacts, bins: int = 40) -> tuple[Bin, ...]:
    """At most `bins` bins of one round width from 0 to beyond the longest row; empty when lengths are not known."""
    if not data.lengths:
        return ()
    rows = counts(data).lengths
    longest = max(rows)
    width = next((w for w in NICE_WIDTHS if longest < w * bins), longest // bins + 1)
    in_bins = [0] * (longest // width + 1)
    for n, times in rows.items():
        in_bins[n // width] += times
    return tuple(Bin(i * width, (i + 1) * width, count) for i, count in enumerate(in_bins))


@lru_cache(maxsize=256)
def cut(data: DataFacts, max_length: int) -> Cut:
    """What rows longer than `max_length` lose; nothing where lengths are not known."""
    rows = counts(data).lengths
    longer = {n: times for n, times in rows.items() if n > max_length}
    tokens = sum(n * times for n, times in rows.items())
    lost = sum((n - max_length) * times for n, times in longer.items())
    dropped = sum(p >= max_length for p in data.prompt_lengths)
    return Cut(max_length, len(data.lengths), sum(longer.values()), tokens, lost, dropped)


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.1f} %" if share >= 0.05 else "less than 0.1 %"
