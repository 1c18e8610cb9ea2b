"""CSV and its kin: separated by comma, semicolon, tab or bar, found out from the file; with a line of names or without.

Quotes are read strictly: text after a closing quote is a fault, because whatever is made of it would be a guess.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from planner.facts.formats.lines import lines_of
from planner.facts.formats.raw import COLUMNS_LIMIT, Numbered, Opened, Unreadable, damaged
from planner.problem import fail

FIELD_LIMIT = 16 * 1024**2  # characters: an open quote swallows no more than this
LOOKED_AT_LINES = 60
TABBED_LOOKED_AT_CHARACTERS = 4 * 1024**2
LOOKED_AT_CHARACTERS = 256 * 1024
SEPARATORS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
A_NAME = re.compile(r"[^\W\d][\w .\-/#()\[\]:]{0,59}")
WORDS_OF_A_NAME = 5
LONE_RETURN = "a line ends in a carriage return alone, as on very old Macintosh computers; save it with other line ends"


class _Shape(NamedTuple):
    separator: str
    columns: tuple[str, ...]
    headed: bool
    quoted: bool = True


def open_csv(file: Path) -> Opened:
    """Raises ProblemError `data.file_unreadable`, `data.not_utf8`, `data.empty`, `data.damaged`."""
    beginning: list[str] = []
    for number, raw in islice(lines_of(file, FIELD_LIMIT), LOOKED_AT_LINES):
        beginning.append(_decoded(raw, number, file.name)[:LOOKED_AT_CHARACTERS])
        if sum(map(len, beginning)) > LOOKED_AT_CHARACTERS:
            break
    if not "".join(beginning).strip():
        raise fail("data.empty", f"{file.name} holds no rows.", "Choose a file with rows in it.")
    shape = _shape_of(beginning)
    if len(shape.columns) > COLUMNS_LIMIT:
        raise damaged(file.name, f"it has {len(shape.columns):,} columns, more than {COLUMNS_LIMIT:,}")
    if shape.separator == "\t" and not _quoted(file, len(shape.columns)):
        shape = shape._replace(quoted=False)
    notes = [] if shape.separator == "," or len(shape.columns) == 1 else [f"Separated by {NAMES[shape.separator]}."]
    if not shape.quoted:
        notes.append("Quotes stand for themselves in it.")
    if not shape.headed:
        notes.append("The first line does not look like names of columns, so it is read as a row.")
    return Opened("csv", _rows(file, shape), notes=tuple(notes))


def _rows(file: Path, shape: _Shape) -> Numbered:
    number, wanted = 0, len(shape.columns)
    for row in _parsed(_text(file), shape.separator, shape.headed, shape.quoted):
        if isinstance(row, list) and not row:
            continue  # a blank line
        number += 1
        if isinstance(row, Unreadable):
            yield number, row
        elif len(row) != wanted:
            yield number, Unreadable(f"it has {_columns(len(row))}, not {wanted:,}")
        else:
            yield number, dict(zip(shape.columns, row, strict=True))


def _parsed(
    lines: Iterator[str], separator: str, headed: bool = False, quoted: bool = True
) -> Iterator[list[str] | Unreadable]:
    old = csv.field_size_limit(FIELD_LIMIT)
    try:
        reader = csv.reader(
            lines, delimiter=separator, strict=quoted, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        skip = headed
        while True:
            csv.field_size_limit(FIELD_LIMIT)  # one for the whole process: another reader may have set its own
            try:
                row: list[str] | Unreadable = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                said = LONE_RETURN if "universal-newline" in str(error) else str(error)
                row = Unreadable(f"it is not CSV: {said} (line {reader.line_num:,})")
            if skip and row:
                skip = False
                continue
            yield row
    finally:
        csv.field_size_limit(old)


def _text(file: Path) -> Iterator[str]:
    for number, raw in lines_of(file, FIELD_LIMIT):
        yield _decoded(raw, number, file.name)


def _decoded(raw: bytes, number: int, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise fail(
            "data.not_utf8",
            f"Line {number:,} of {name} is not UTF-8 at byte {error.start + 1:,}.",
            "Save the table as “CSV UTF-8”.",
        ) from None


def _shape_of(beginning: list[str]) -> _Shape:
    """The separator by which most of the first rows have as many columns as the first, and more than one."""
    best: tuple[float, int, str, list[str]] = (0.0, 0, ",", [])
    for separator in SEPARATORS:
        rows = [row for row in _parsed(iter(beginning), separator) if row]
        whole = [row for row in rows if isinstance(row, list)]
        first = next(iter(whole), [])
        if len(first) < 2:
            continue
        alike = sum(len(row) == len(first) for row in whole) / len(rows)
        if (alike, len(first)) > best[:2]:
            best = (alike, len(first), separator, first)
    separator, first = best[2], best[3]
    if not first:
        alone = (row for row in _parsed(iter(beginning), ",") if isinstance(row, list) and row)
        first = next(alone, [""])
    names = [cell.strip() for cell in first]
    headed = len(set(names)) == len(names) and all(map(_is_name, names))
    return _Shape(separator, tuple(names) if headed else tuple(f"column {i + 1}" for i in range(len(names))), headed)


def _quoted(file: Path, columns: int) -> bool:
    """Whether quotes are signs in a table of tabs. Many such files have none, and a quote in them is only a quote."""
    looked_at: list[str] = []
    size = 0
    for line in _text(file):
        looked_at.append(line)
        size += len(line)
        if size > TABBED_LOOKED_AT_CHARACTERS:
            break
    return all(isinstance(row, list) and len(row) in (0, columns) for row in _parsed(iter(looked_at), "\t"))


def _is_name(cell: str) -> bool:
    """Whether a cell may be the name of a column: a few words, no sentence, no figure."""
    return bool(A_NAME.fullmatch(cell)) and len(cell.split()) <= WORDS_OF_A_NAME and not cell.endswith(".")


def _columns(n: int) -> str:
    return f"{n:,} columns" if n != 1 else "1 column"
