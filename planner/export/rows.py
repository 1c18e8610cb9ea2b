"""Rows that an export carries along: those of files that a short script could not read as the run does.

JSONL whose rows are trained on as they stand is read by the script itself; everything else (tables, Parquet, mapped
columns, plain text cut into pieces) goes into the folder as the rows that the run saw.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from planner.atomic_file import write_pieces_atomically
from planner.facts.data import DataFacts
from planner.facts.read_data import rows
from planner.problem import fail

ROWS = "rows.jsonl"


def carries_rows(data: DataFacts) -> bool:
    """Whether the rows go along. Data that are not at hand cannot: the script then asks for a file of such rows."""
    as_it_stands = data.file_format == "jsonl" and (data.mapping.exact or not data.mapping.form)
    return bool(data.path) and not as_it_stands


def write_rows(data: DataFacts, path: Path) -> None:
    """Raises ProblemError `data.changed`, `file.not_written` and what reading the data raises."""
    write_pieces_atomically(path, _lines(data))


def _lines(data: DataFacts) -> Iterator[bytes]:
    written = 0
    for row in rows(data.path, data.mapping):
        written += 1
        yield json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n"
    if written != data.rows:
        raise fail(
            "data.changed",
            f"{data.name} had {data.rows:,} rows when it was planned with, now it has {written:,}.",
            "Open the plan again, so that it is planned with the file as it is now.",
        )
