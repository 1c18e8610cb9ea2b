"""What is wrong with the rows as a set: the same row twice, one question with several answers, held-out rows that are
trained on. It needs a pass over the file and says what it found by the numbers that rows have there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planner.facts.mapping import Mapping

TOLD = 1000
"""Pairs that are listed; all are counted."""


@dataclass(frozen=True)
class Checks:
    """duplicates and leaked: pairs of numbers as the file has them (line for JSONL, row else), the first thousand.

    n_duplicates: rows that are the same as an earlier one. n_leaked: held-out rows that some training row equals.
    n_contradicting: questions that have more than one answer. n_empty_answers: rows that answer with blanks only.
    """

    rows: int
    duplicates: tuple[tuple[int, int], ...] = ()
    n_duplicates: int = 0
    leaked: tuple[tuple[int, int], ...] = ()
    n_leaked: int = 0
    n_contradicting: int = 0
    n_empty_answers: int = 0


def check(path: Path | str, mapping: Mapping | None = None, held_out: frozenset[int] = frozenset()) -> Checks:
    """held_out: rows counted from 0, as `split.held_out` gives them. Raises ProblemError `data.*`."""
    raise NotImplementedError
