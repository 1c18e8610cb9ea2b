"""Tables from strangers: rows or a problem; what the library writes is read back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.formats.csv_table import open_csv
from tests.fuzz import CASES
from tests.fuzz.row_files import CHANGES, TABLE, spoilt, survives

CELL = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(['"', ",", ";", "\n", "\r\n", "\t", "a, b"])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv") / "rows.csv"


def written(file: Path, rows: list[list[Any]], **how: Any) -> bytes:
    with file.open("w", encoding="utf-8", newline="") as f:
        csv.writer(f, **how).writerows(rows)
    return file.read_bytes()


@settings(max_examples=CASES, deadline=None)
@given(separator=st.sampled_from(",;\t|"), changes=CHANGES, kept=st.floats(0, 1))
def test_a_sound_table_with_bytes_changed(file: Path, separator: str, changes: Any, kept: float) -> None:
    raw = written(file, [list(TABLE[0]), *(list(row.values()) for row in TABLE)], delimiter=separator)
    file.write_bytes(spoilt(raw, changes, kept))
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(raw=st.binary(max_size=300) | st.text(alphabet='a",;\n\r\t é', max_size=200).map(str.encode))
def test_any_bytes(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_what_the_library_writes_is_read_back(file: Path, rows: list[tuple[str, str]]) -> None:
    written(file, [["question", "answer"], *map(list, rows)], quoting=csv.QUOTE_ALL)
    assert [(row["question"], row["answer"]) for _, row in open_csv(file).rows] == rows
