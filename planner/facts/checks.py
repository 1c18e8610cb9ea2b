"""What is wrong with the rows as a set: the same row twice, one question with several answers, held-out rows that are
trained on. It needs a pass over the file and says what it found by the numbers that rows have there.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.facts.formats.raw import Unreadable
from planner.facts.mapped import mapped
from planner.facts.mapping import Mapping

TOLD = 1000
"""Pairs that are listed; all are counted."""
BUCKETS = 251


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
    """held_out: rows counted from 0, as `split.held_out` gives them; equal rows are equal once mapped. Faulty rows are passed
    over, but for empty answers, which are counted.

    Of each row 32 bytes are kept, so 0.7 GB for the twenty million rows that a file may have. Two different rows are taken
    for one with a chance of one in a hundred thousand in such a file. Raises ProblemError `data.*`.
    """
    rows, questions = _Pairs(), _Pairs()
    n_rows = n_empty = 0
    for number, made in mapped(Path(path), mapping).rows:
        if isinstance(made, Unreadable):
            n_empty += made.endswith("is empty")
            continue
        rows.add(_digest(made[0]), -number if n_rows in held_out else number)
        n_rows += 1
        if (asked := _asked(made[0])) is not None:
            question, answer = asked
            n_empty += not str(answer).strip()
            questions.add(_digest(question), _digest(answer) >> 1)
    duplicates, leaked = _First(), _First()
    for bucket in rows:
        _compare(bucket, duplicates, leaked)
    contradicting = sum(_several(bucket) for bucket in questions)
    return Checks(n_rows, duplicates.told(), duplicates.count, leaked.told(), leaked.count, contradicting, n_empty)


class _Pairs:
    """Pairs of numbers, those of one first number in one bucket, so that only a bucket at a time has to be looked through."""

    def __init__(self) -> None:
        self._buckets = [(array("Q"), array("q")) for _ in range(BUCKETS)]

    def add(self, key: int, value: int) -> None:
        keys, values = self._buckets[key % BUCKETS]
        keys.append(key)
        values.append(value)

    def __iter__(self) -> Iterator[zip[tuple[int, int]]]:
        return (zip(keys, values, strict=True) for keys, values in self._buckets)


class _First:
    """Counts pairs and keeps those with the lowest numbers."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[tuple[int, int]] = []

    def add(self, number: int, other: int) -> None:
        self.count += 1
        self._kept.append((number, other))
        if len(self._kept) >= 4 * TOLD:
            self._kept = sorted(self._kept)[:TOLD]

    def told(self) -> tuple[tuple[int, int], ...]:
        return tuple(sorted(self._kept)[:TOLD])


def _compare(bucket: Iterable[tuple[int, int]], duplicates: _First, leaked: _First) -> None:
    """Of (digest, number of the row, negative where it is held out), in the order of the file."""
    first: dict[int, int] = {}
    trained: dict[int, int] = {}
    held: list[tuple[int, int]] = []
    for key, signed in bucket:
        number = abs(signed)
        if key in first:
            duplicates.add(number, first[key])
        else:
            first[key] = number
        if signed < 0:
            held.append((key, number))
        else:
            trained.setdefault(key, number)
    for key, number in held:
        if key in trained:
            leaked.add(number, trained[key])


def _several(bucket: Iterable[tuple[int, int]]) -> int:
    """How many questions have more than one answer."""
    answers: dict[int, int] = {}
    several: set[int] = set()
    for question, answer in bucket:
        if answers.setdefault(question, answer) != answer:
            several.add(question)
    return len(several)


_written = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def _digest(value: Any) -> int:
    """Eight bytes that stand for a value. Texts, which most rows are made of, are not written as JSON first."""
    if isinstance(value, str):
        told = b"t" + value.encode()
    elif isinstance(value, dict) and all(isinstance(part, str) for part in value.values()):
        told = "".join([f"{name}:{len(part)}:{part}" for name, part in value.items()]).encode()
    else:
        told = b"j" + _written(value).encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big")


def _asked(row: dict[str, Any]) -> tuple[Any, Any] | None:
    """What is asked and what is answered last; None where nothing is asked."""
    if "prompt" in row:
        completion = row["completion"]
        return row["prompt"], completion if isinstance(completion, str) else completion[-1]["content"]
    if "messages" in row:
        said = row["messages"]
        last = max(i for i, message in enumerate(said) if message["role"] == "assistant")
        return said[:last], said[last]["content"]
    return None
