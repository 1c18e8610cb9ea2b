"""Parquet files from strangers, made by pyarrow and then damaged: rows or a problem, no crash, no memory without end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import CASES
from tests.fuzz.row_files import CHANGES, ROWS, TABLE, spoilt, survives

pa = pytest.importorskip("pyarrow", reason="needs the [train] extra")
pq = pytest.importorskip("pyarrow.parquet", reason="needs the [train] extra")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet")
    for i, (rows, packing, dictionary, version) in enumerate(
        [
            (ROWS, "snappy", True, "1.0"),
            (TABLE, "zstd", True, "2.0"),
            (TABLE, "none", False, "1.0"),
            (ROWS, "gzip", False, "2.0"),
        ]
    ):
        pq.write_table(
            pa.Table.from_pylist(rows), folder / f"sound{i}.parquet", compression=packing, use_dictionary=dictionary,
            data_page_version=version, row_group_size=10,
        )  # fmt: skip
    return folder


@settings(max_examples=CASES, deadline=None)
@given(which=st.integers(0, 3), changes=CHANGES, kept=st.just(1.0) | st.floats(0, 1))
def test_a_sound_file_with_bytes_changed(folder: Path, which: int, changes: Any, kept: float) -> None:
    file = folder / "spoilt.parquet"
    same_size = [(where, put, True) for where, put, _ in changes]  # else the footer alone would always be what is wrong
    file.write_bytes(spoilt((folder / f"sound{which}.parquet").read_bytes(), same_size, kept))
    survives(file)


@settings(max_examples=CASES, deadline=None)
@given(inside=st.binary(max_size=200), footer=st.integers(0, 2**32 - 1) | st.integers(0, 220))
def test_any_bytes_between_the_marks(folder: Path, inside: bytes, footer: int) -> None:
    file = folder / "random.parquet"
    file.write_bytes(b"PAR1" + inside + footer.to_bytes(4, "little") + b"PAR1")
    survives(file)
