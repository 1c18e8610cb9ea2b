"""Damaged safetensors files: tensors inside the file, or a problem."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.model.safetensors_header import read_header
from planner.problem import ProblemError
from tests.fuzz import CASES

NUMBER = (
    st.sampled_from([0, 1, 4, 8, 2**31, 2**62, 2**63, -1])
    | st.integers(0, 20)
    | st.floats()
    | st.none()
    | st.booleans()
)
FIELD: Any = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "BF16", "F4", "x", None, 3]),
        "shape": st.lists(NUMBER, max_size=4) | NUMBER,
        "data_offsets": st.lists(NUMBER, max_size=3),
        "other": NUMBER,
    },
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("safetensors") / "model.safetensors"


def survives(path: Path) -> None:
    with contextlib.suppress(ProblemError):
        size = path.stat().st_size
        for tensor in read_header(path).values():
            assert 8 <= tensor.begin <= tensor.end <= size


@settings(max_examples=CASES, deadline=None)
@given(
    header=st.dictionaries(st.text(max_size=8) | st.just("__metadata__"), FIELD, max_size=4),
    off=st.integers(-3, 3) | st.sampled_from([2**40, 2**63]),
    rest=st.binary(max_size=40),
)
def test_any_header(file: Path, header: dict[str, Any], off: int, rest: bytes) -> None:
    raw = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", max(0, len(raw) + off)) + raw + rest)
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_bytes(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(at=st.integers(0, 200), put=st.binary(min_size=1, max_size=6), length=st.none() | st.integers(0, 200))
def test_a_sound_file_with_some_bytes_changed_or_lost(file: Path, at: int, put: bytes, length: int | None) -> None:
    header = json.dumps(
        {n: {"dtype": "F32", "shape": [2], "data_offsets": [8 * i, 8 * i + 8]} for i, n in enumerate("ab")}
    )
    raw = bytearray(struct.pack("<Q", len(header)) + header.encode() + bytes(16))
    raw[at : at + len(put)] = put
    file.write_bytes(raw[:length])
    survives(file)
