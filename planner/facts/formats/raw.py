"""What every reader of rows gives: numbered values, or in a value's place the sentence that says why it is none.

The limits that all of them keep stand here. No reader raises anything but ProblemError, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.problem import ProblemError, fail

FILE_LIMIT_BYTES = 64 * 1024**3
ROW_LIMIT_BYTES = 64 * 1024**2
ROWS_LIMIT = 20_000_000
COLUMNS_LIMIT = 2_000


class Unreadable(str):
    """In a row's place: what is wrong with it, as a sentence without an end."""

    __slots__ = ()


Numbered = Iterator[tuple[int, Any]]
"""(number in the file, value or `Unreadable`) of each row."""


@dataclass(frozen=True)
class Opened:
    """A file under way. counted_in: what its rows are numbered by, Line or Row. notes: what to know of how it is read."""

    file_format: str
    rows: Numbered
    counted_in: str = "Row"
    notes: tuple[str, ...] = ()


def unreadable(file: Path, said: str) -> ProblemError:
    return fail("data.file_unreadable", f"{file}: {said}.", "Check the path and who may read it.")


def damaged(name: str, said: str) -> ProblemError:
    """A file whose inside is not what its kind has."""
    return fail("data.damaged", f"{name} cannot be read: {said}.", "Fetch or save the file again.")


def too_long(name: str, where: str, limit: int = ROW_LIMIT_BYTES) -> ProblemError:
    return fail(
        "data.line_too_long",
        f"{where} of {name} has more than {limit // 1024**2} MiB.",
        "Choose a file with one row per line, or split the row.",
    )
