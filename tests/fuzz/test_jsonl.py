"""JSONL from strangers: rows or a problem, never anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import CASES
from tests.fuzz.row_files import CHANGES, ROWS, TABLE, VALUES, spoilt, survives

SOUND = [
    "\n".join(json.dumps(row) for row in ROWS).encode(),
    "\r\n".join(json.dumps(row, ensure_ascii=False) for row in TABLE).encode(),
    json.dumps({"prompt": "a", "chosen": "b", "rejected": "c"}).encode(),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jsonl") / "rows.jsonl"


@settings(max_examples=CASES, deadline=None)
@given(raw=st.sampled_from(SOUND), changes=CHANGES, kept=st.floats(0, 1))
def test_a_sound_file_with_bytes_changed(file: Path, raw: bytes, changes: Any, kept: float) -> None:
    file.write_bytes(spoilt(raw, changes, kept))
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(
    values=st.lists(
        VALUES | st.dictionaries(st.sampled_from(["messages", "prompt", "completion", "text"]), VALUES), max_size=5
    )
)
def test_lines_of_any_json(file: Path, values: list[Any]) -> None:
    file.write_text("\n".join(map(json.dumps, values)))
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    survives(file)
