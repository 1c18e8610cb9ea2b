"""Files of one JSON value from strangers: rows or a problem, and what is read piece by piece is what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.formats import json_list
from tests.fuzz import CASES
from tests.fuzz.row_files import CHANGES, ROWS, TABLE, VALUES, spoilt, survives

SOUND = [json.dumps(ROWS).encode(), json.dumps({"data": TABLE, "version": 1}, indent=1).encode()]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json") / "rows.json"


@settings(max_examples=CASES, deadline=None)
@given(raw=st.sampled_from(SOUND), changes=CHANGES, kept=st.floats(0, 1))
def test_a_sound_file_with_bytes_changed(file: Path, raw: bytes, changes: Any, kept: float) -> None:
    file.write_bytes(spoilt(raw, changes, kept))
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(value=VALUES)
def test_any_json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value))
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(values=st.lists(VALUES, max_size=6), chunk=st.integers(1, 40), indent=st.none() | st.integers(0, 2))
def test_a_list_is_read_the_same_in_pieces_of_any_size(
    file: Path, values: list[Any], chunk: int, indent: int | None
) -> None:
    file.write_text(json.dumps(values, indent=indent, ensure_ascii=False), "utf-8", "surrogatepass")
    whole = json.loads(file.read_bytes().decode("utf-8", "surrogatepass"))
    before, json_list.CHUNK_BYTES = json_list.CHUNK_BYTES, chunk
    try:
        if json.dumps(whole).count("\\ud") == 0:  # half a character is no UTF-8, so such a file is refused
            assert repr([value for _, value in json_list.json_rows(file)]) == repr(whole)
    finally:
        json_list.CHUNK_BYTES = before
