"""The lengths of many rows, kept beside the copy of an unsaved plan: written once, not with every change of the plan.

A file of two million rows has four million numbers, seconds of work as JSON. Here they are one file of plain numbers
whose name is its digest, so that a copy can only ever be put together with the lengths that it was made with. Qt-free.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.atomic_file import write_pieces_atomically
from planner.facts.data import DataFacts
from planner.facts.formats.raw import ROWS_LIMIT

MANY = 20_000
"""Rows from which on their lengths lie beside the copy."""
AT_ONCE = 1 << 16
"""Numbers that are made in one call: Python lets no other thread go on within one."""
BYTES = 4
SUFFIX = ".lengths"


class Beside:
    """The lengths that a window's copy needs now. Not for two threads at once."""

    def __init__(self) -> None:
        self._kept: tuple[Path, Sequence[int], Sequence[int]] | None = None

    def keep(self, copy: Path, data: DataFacts) -> tuple[DataFacts, dict[str, Any] | None]:
        """The data as it stands in the copy, and where its lengths are; the data itself and None where they stand in it.
        Raises ProblemError `file.not_written`."""
        if len(data.lengths) < MANY:
            return data, None
        try:
            file = self._written(copy, data)
        except OverflowError:  # no row has four thousand million tokens, but a plan file may say so
            return data, None
        where = {"file": file.name, "lengths": len(data.lengths), "prompt_lengths": len(data.prompt_lengths)}
        return replace(data, lengths=(), prompt_lengths=()), where

    def tidy(self, copy: Path, *, all_of_them: bool = False) -> None:
        """Take away what the copy no longer needs."""
        current = self._kept[0] if self._kept and not all_of_them else None
        for file in copy.parent.glob(f"{copy.stem}-*{SUFFIX}"):
            if file != current:
                file.unlink(missing_ok=True)
        if all_of_them:
            self._kept = None

    def _written(self, copy: Path, data: DataFacts) -> Path:
        if self._kept is not None:
            file, lengths, prompts = self._kept
            same = lengths is data.lengths and prompts is data.prompt_lengths  # no look at millions of numbers
            if same and file.exists() and _is_of(file, copy):
                return file
        digest = hashlib.sha256()
        pieces = []
        for piece in _pieces((data.lengths, data.prompt_lengths)):
            digest.update(piece)
            pieces.append(piece)
        file = copy.with_name(f"{copy.stem}-{digest.hexdigest()}{SUFFIX}")
        write_pieces_atomically(file, pieces)
        self._kept = file, data.lengths, data.prompt_lengths
        return file


def read(copy: Path, where: Any, data: DataFacts) -> DataFacts:
    """The data with the lengths that lie beside its copy. Where they are gone or others, lengths are not known: everything
    else of the plan is there, and the rows still lie in their file. Raises ValueError, KeyError, TypeError for what is no copy."""
    name, n, prompts = str(where["file"]), int(where["lengths"]), int(where["prompt_lengths"])
    file = copy.with_name(name)
    if (
        file.parent != copy.parent
        or not _is_of(file, copy)
        or n != data.rows
        or prompts not in (0, n)
        or n > ROWS_LIMIT
    ):
        raise ValueError("no lengths lie there")
    unknown = replace(data, lengths_from="unknown", tokenizer="")
    try:
        if file.stat().st_size != BYTES * (n + prompts):
            return unknown
        digest, found = hashlib.sha256(), array("I")
        with file.open("rb") as f:
            while piece := f.read(BYTES * AT_ONCE):
                digest.update(piece)
                found.frombytes(piece)
    except OSError:
        return unknown
    if name != f"{copy.stem}-{digest.hexdigest()}{SUFFIX}":
        return unknown
    if sys.byteorder == "big":
        found.byteswap()
    return replace(data, lengths=_numbers(found, 0, n), prompt_lengths=_numbers(found, n, n + prompts))


def _is_of(file: Path, copy: Path) -> bool:
    return file.name.startswith(f"{copy.stem}-") and file.suffix == SUFFIX


def _pieces(numbers: Sequence[Sequence[int]]) -> Iterator[bytes]:
    for of in numbers:
        for start in range(0, len(of), AT_ONCE):
            piece = array("I", of[start : start + AT_ONCE])
            if sys.byteorder == "big":
                piece.byteswap()
            yield piece.tobytes()


def _numbers(found: array[int], start: int, end: int) -> tuple[int, ...]:
    out: list[int] = []
    for at in range(start, end, AT_ONCE):
        out.extend(found[at : min(at + AT_ONCE, end)])
    return tuple(out)
