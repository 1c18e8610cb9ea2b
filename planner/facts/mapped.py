"""A file opened with a mapping: each row numbered, and as it would be trained on or what is wrong with it.

Where no mapping is given it is guessed from the first rows, once, and the same for planning, counting and training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from planner.facts.canonical import canonical
from planner.facts.formats.open_rows import open_rows
from planner.facts.formats.raw import Numbered, Opened, Unreadable
from planner.facts.mapping import MADE, ROLES, Mapping, fault_of, guess, shown
from planner.facts.rows import Row, check_row
from planner.problem import Problem, fail

LOOKED_AT_ROWS = 200
LOOKED_AT_BYTES = 8 * 1024**2
TABLES = ("csv", "parquet", "datasets", "text")  # every row has every column


@dataclass(frozen=True)
class Mapped:
    """rows: (number in the file, (what is trained on, what is known of it) or `Unreadable`). columns: of the first rows."""

    opened: Opened
    mapping: Mapping
    columns: tuple[str, ...]
    rows: Iterator[tuple[int, tuple[dict[str, Any], Row] | Unreadable]]

    @property
    def notes(self) -> tuple[str, ...]:
        made = MADE.get(self.mapping.form)
        return (*self.opened.notes, made) if made else self.opened.notes


def mapped(path: Path, mapping: Mapping | None = None) -> Mapped:
    """Raises ProblemError `data.*`: `data.no_mapping` where no guess is to be had, `data.mapping` where one cannot be."""
    opened = open_rows(path)
    head, ended = first_rows(opened.rows)
    columns = columns_of(head)
    chosen = chosen_mapping(mapping, columns, head)
    if not chosen.form and columns:
        read_so = " ".join(("", *opened.notes))
        raise fail(
            "data.no_mapping",
            f"{path.name} has the columns {shown(columns)}; none has a name by which to tell what it holds.{read_so}",
            "Say which column is the prompt and which the answer: --map prompt=COLUMN completion=COLUMN, "
            "or of a plan --set data.map=prompt=COLUMN,completion=COLUMN.",
        )
    if chosen.form:
        _check_columns(path, opened, chosen, columns)
    rest: Numbered = iter(()) if ended else opened.rows
    return Mapped(opened, chosen, columns, _made(chain(head, rest), opened, chosen))


def chosen_mapping(mapping: Mapping | None, columns: tuple[str, ...], head: list[tuple[int, Any]]) -> Mapping:
    """The given one, or a guess where none is given or it has no form."""
    if mapping is not None and mapping.form:
        return mapping
    return guess(columns, [value for _, value in head if isinstance(value, dict)])


def first_rows(rows: Numbered, most: int = LOOKED_AT_ROWS) -> tuple[list[tuple[int, Any]], bool]:
    """The first rows, as many as are small enough to keep, and whether there are no more."""
    head: list[tuple[int, Any]] = []
    size = 0
    for number, value in rows:
        head.append((number, value))
        size += weight(value)
        if len(head) >= most or size > LOOKED_AT_BYTES:
            return head, False
    return head, True


def weight(value: Any, depth: int = 0) -> int:
    """About the bytes of a value in memory."""
    if isinstance(value, str):
        return 50 + len(value)
    if depth < 50 and isinstance(value, dict):
        return 100 + sum(50 + len(str(k)) + weight(v, depth + 1) for k, v in value.items())
    if depth < 50 and isinstance(value, list):
        return 60 + sum(weight(v, depth + 1) for v in value)
    return 30


def columns_of(head: list[tuple[int, Any]]) -> tuple[str, ...]:
    """The columns of some rows, as they first appear."""
    found: dict[str, None] = {}
    for _, value in head:
        if isinstance(value, dict):
            found.update(dict.fromkeys(value))
    return tuple(found)


def fault(path: Path, opened: Opened, number: int, said: str) -> Problem:
    """One row's fault as a Problem."""
    unit = opened.counted_in
    return Problem("data.row", f"{unit} {number:,} of {path.name}: {said}.", f"Mend the {unit.lower()} or take it out.")


def _check_columns(path: Path, opened: Opened, mapping: Mapping, columns: tuple[str, ...]) -> None:
    said = fault_of(mapping)
    if not said and columns and not mapping.exact:
        known = columns
        if opened.file_format not in TABLES:  # a column that some rows lack may come later
            optional = {role.name for role in ROLES[mapping.form] if not role.required}
            known = (*columns, *(column for role, column in mapping.columns if role in optional))
        said = fault_of(mapping, known)
    if said:
        raise fail("data.mapping", f"The mapping does not fit {path.name}: {said}.", "Map the columns that are there.")


def _made(
    rows: Iterator[tuple[int, Any]], opened: Opened, mapping: Mapping
) -> Iterator[tuple[int, tuple[dict[str, Any], Row] | Unreadable]]:
    as_it_stands = opened.file_format == "jsonl" and mapping.exact
    for number, value in rows:
        if isinstance(value, Unreadable):
            yield number, value
            continue
        found = canonical(value, mapping, as_it_stands=as_it_stands) if mapping.form else str(check_row(value))
        yield number, Unreadable(found) if isinstance(found, str) else found
