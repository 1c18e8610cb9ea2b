"""The first rows of a file as they stand and as they would be trained on, for a person who maps columns by clicks.

Bounded whatever the file: some hundred rows or some megabytes, what comes first. It judges no file as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.facts.mapping import Mapping
from planner.problem import Problem


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file. kind: text, number, messages, list, object, empty or mixed. example: its first value, short."""

    name: str
    kind: str
    example: str


@dataclass(frozen=True)
class Preview:
    """What the beginning of a file looks like.

    rows: as they stand in the file. canonical: of each the row that would be trained on, or the sentence that says why
    there is none; empty without a mapping. numbers: of each, the line (JSONL) or row it has in the file. faults: in the
    rows seen. whole: nothing comes after them. notes: what to know of how it is read.
    """

    path: str
    file_format: str
    columns: tuple[Column, ...]
    rows: tuple[dict[str, Any], ...]
    mapping: Mapping
    canonical: tuple[dict[str, Any] | str, ...]
    faults: tuple[Problem, ...]
    rows_seen: int
    whole: bool
    numbers: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def look_at(path: Path | str, mapping: Mapping | None = None, most: int = 200) -> Preview:
    """The first `most` rows. mapping: how to read them; guessed when None or without a form. Raises ProblemError `data.*`."""
    raise NotImplementedError
