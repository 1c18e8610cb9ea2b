"""Rows as a person reads them: short cells of the file's own columns, and whole what each row becomes. Qt-free."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from planner.facts.preview import Preview

CELL_LETTERS = 160
PART_LETTERS = 4000
PART_COUNT = 60
NOT_YET = "Nothing yet: the mapping is not complete."


@dataclass(frozen=True)
class ShownRow:
    """One row of the table. number: as the file counts it. cells: of each column. fault: why it cannot be used."""

    number: int
    cells: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True)
class Part:
    """One text of a row as it is trained on, under its heading."""

    heading: str
    text: str


def cell_words(value: Any) -> str:
    """A value of any kind on one line, not endlessly long. Bounded work for a cell of any size."""
    if value is None:
        return ""
    if not isinstance(value, str):
        value = _json(value)
    short: str = value[: CELL_LETTERS * 2]
    short = " ".join(short.split())
    return short[: CELL_LETTERS - 1] + "…" if len(short) > CELL_LETTERS or len(value) > CELL_LETTERS * 2 else short


def shown_rows(preview: Preview) -> tuple[ShownRow, ...]:
    """The rows of a preview, each with its fault where the mapping makes none of it."""
    names = [column.name for column in preview.columns]
    numbers = preview.numbers or tuple(range(1, len(preview.rows) + 1))
    made = preview.canonical or ({},) * len(preview.rows)
    return tuple(
        ShownRow(
            number, tuple(cell_words(row.get(name)) for name in names), canonical if isinstance(canonical, str) else ""
        )
        for number, row, canonical in zip(numbers, preview.rows, made, strict=False)
    )


def becomes(preview: Preview, index: int) -> tuple[Part, ...]:
    """What is trained on for the row at this place of the preview, or the sentence that says why nothing is."""
    if not 0 <= index < len(preview.canonical):
        return (Part("", NOT_YET if preview.rows else ""),)
    row = preview.canonical[index]
    if isinstance(row, str):
        return (Part("Cannot be used", f"{row[:1].upper()}{row[1:]}."),)
    parts: list[Part] = []
    for name, value in row.items():
        if isinstance(value, list):
            parts += [_message(message, "" if name == "messages" else f"{name}: ") for message in value[:PART_COUNT]]
            if len(value) > PART_COUNT:
                parts.append(Part("", f"… and {len(value) - PART_COUNT:,} messages more"))
        else:
            parts.append(Part(name, _long(value)))
    return tuple(parts)


def as_text(parts: tuple[Part, ...]) -> str:
    """The same for a screen reader and for copying."""
    return "\n\n".join(f"{part.heading}:\n{part.text}" if part.heading else part.text for part in parts)


def _message(message: Any, before: str) -> Part:
    if isinstance(message, dict):
        return Part(f"{before}{message.get('role', '')}", _long(message.get("content", "")))
    return Part(before.rstrip(": "), _long(message))


def _long(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    return (
        text if len(text) <= PART_LETTERS else f"{text[:PART_LETTERS]} … and {len(text) - PART_LETTERS:,} letters more"
    )


def _json(value: Any) -> str:
    """A short value as JSON; of a long list or object its beginning, since all of it may be megabytes."""
    if isinstance(value, list) and len(value) > 20:
        value = [*value[:20], "…"]
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return str(type(value).__name__)
