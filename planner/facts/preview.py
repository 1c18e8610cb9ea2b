"""The first rows of a file as they stand and as they would be trained on, for a person who maps columns by clicks.

Bounded whatever the file: some hundred rows or some megabytes, what comes first. It judges no file as a whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.facts.canonical import canonical
from planner.facts.formats.open_rows import open_rows
from planner.facts.formats.raw import Unreadable
from planner.facts.mapped import chosen_mapping, columns_of, fault, first_rows
from planner.facts.mapping import MADE, Mapping, fault_of
from planner.problem import Problem, fail

EXAMPLE_CHARACTERS = 120
SPEECH = {"role", "from"}


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
    file = Path(path)
    opened = open_rows(file)
    head, whole = first_rows(opened.rows, most)
    if not head:
        raise fail("data.empty", f"{file.name} holds no rows.", "Choose a file with rows in it.")
    columns = columns_of(head)
    chosen = chosen_mapping(mapping, columns, head)
    faults: list[Problem] = []
    raw: list[dict[str, Any]] = []
    made: list[dict[str, Any] | str] = []
    numbers: list[int] = []
    readable = not fault_of(chosen) if chosen.form else False
    as_it_stands = opened.file_format == "jsonl" and chosen.exact
    for number, value in head:
        if isinstance(value, Unreadable) or not isinstance(value, dict):
            said = value if isinstance(value, Unreadable) else "it is not a JSON object"
            faults.append(fault(file, opened, number, said))
            continue
        raw.append(value)
        numbers.append(number)
        if readable:
            row = canonical(value, chosen, as_it_stands=as_it_stands)
            if isinstance(row, str):
                faults.append(fault(file, opened, number, row))
            made.append(row if isinstance(row, str) else row[0])
    note = MADE.get(chosen.form)
    return Preview(
        path=str(file),
        file_format=opened.file_format,
        columns=tuple(Column(name, *_kind_and_example(raw, name)) for name in columns),
        rows=tuple(raw),
        mapping=chosen,
        canonical=tuple(made),
        faults=tuple(faults),
        rows_seen=len(head),
        whole=whole,
        numbers=tuple(numbers),
        notes=(*opened.notes, note) if note else opened.notes,
    )


def _kind_and_example(rows: list[dict[str, Any]], name: str) -> tuple[str, str]:
    values = [row[name] for row in rows if row.get(name) is not None]
    kinds = {_kind(value) for value in values}
    example = next((value for value in values if value not in ("", [], {})), "")
    text = " ".join(_written(example)[: 4 * EXAMPLE_CHARACTERS].encode("utf-8", "replace").decode().split())
    short = text if len(text) <= EXAMPLE_CHARACTERS else text[: EXAMPLE_CHARACTERS - 1] + "…"
    return ("empty" if not kinds else kinds.pop() if len(kinds) == 1 else "mixed"), short


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value[:2] if isinstance(value, list) else value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return "…"


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool) or not isinstance(value, int | float | list | dict):
        return "mixed"
    if isinstance(value, list):
        spoken = value and isinstance(value[0], dict) and SPEECH & set(value[0])
        return "messages" if spoken else "list"
    return "object" if isinstance(value, dict) else "number"
