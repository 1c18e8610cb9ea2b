"""Damaged GGUF files, and headers put together at random: facts or a problem, in bounded time, never anything else."""

from __future__ import annotations

import contextlib
import struct
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.model.gguf import read_gguf
from planner.problem import ProblemError
from tests.fuzz import CASES
from tests.gguf_files import write_gguf

pytest.importorskip("gguf", reason="needs the [train] extra")
pytest.importorskip("torch", reason="needs the [train] extra")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf")


@cache
def sound(folder: Path) -> bytes:
    return write_gguf(folder / "sound.gguf").read_bytes()


def survives(path: Path) -> None:
    with contextlib.suppress(ProblemError):
        assert read_gguf(path).source == "gguf"


HEAD = 9000  # the settings and the table of the small file lie in it
NUMBER = st.sampled_from([0, 1, 2, 8, 9, 2**31, 2**32 - 1, 2**63, 2**64 - 1]) | st.integers(0, 300)


@settings(max_examples=CASES, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, HEAD), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
    length=st.none() | st.integers(0, HEAD * 2),
)
def test_a_sound_file_with_some_bytes_changed_or_lost(
    folder: Path, changes: list[tuple[int, bytes]], length: int | None
) -> None:
    raw = bytearray(sound(folder))
    for at, put in changes:
        raw[at : at + len(put)] = put
    path = folder / "changed.gguf"
    path.write_bytes(raw[:length])
    survives(path)


@settings(max_examples=CASES, deadline=None)
@given(
    order=st.sampled_from("<>"),
    version=st.sampled_from([2, 3]) | st.integers(0, 2**32 - 1),
    counts=st.tuples(NUMBER, NUMBER),
    settings_=st.lists(st.tuples(st.binary(max_size=40), NUMBER, NUMBER, NUMBER, st.binary(max_size=80)), max_size=6),
)
def test_headers_put_together_at_random(
    folder: Path,
    order: str,
    version: int,
    counts: tuple[int, int],
    settings_: list[tuple[bytes, int, int, int, bytes]],
) -> None:
    raw = b"GGUF" + struct.pack(f"{order}IQQ", version, *counts)
    for key, kind, inner, n, rest in settings_:
        raw += struct.pack(f"{order}Q", len(key)) + key
        raw += struct.pack(f"{order}IIQ", kind % 2**32, inner % 2**32, n) + rest
    path = folder / "random.gguf"
    path.write_bytes(raw)
    survives(path)


@settings(max_examples=CASES, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_bytes(folder: Path, raw: bytes) -> None:
    path = folder / "any.gguf"
    path.write_bytes(b"GGUF\3\0\0\0" + raw)
    survives(path)
