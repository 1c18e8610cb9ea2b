"""Folders that `datasets` saved, then damaged: rows or a problem, no crash, and no file beside the folder is opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.formats.datasets_folder import INFO, SPLITS, STATE, files_of
from planner.problem import ProblemError
from tests.fuzz import CASES
from tests.fuzz.row_files import CHANGES, ROWS, TABLE, VALUES, spoilt, survives

pytest.importorskip("pyarrow", reason="needs the [train] extra")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    datasets = pytest.importorskip("datasets", reason="needs the [train] extra")
    folder = tmp_path_factory.mktemp("datasets")
    for name, rows in (("chats", ROWS), ("table", TABLE)):
        datasets.Dataset.from_list(rows).save_to_disk(str(folder / name))
    return [folder / "chats", folder / "table"]


@settings(max_examples=CASES, deadline=None)
@given(which=st.integers(0, 1), changes=CHANGES, kept=st.just(1.0) | st.floats(0, 1), same_size=st.booleans())
def test_an_arrow_file_with_bytes_changed(
    saved: list[Path], which: int, changes: Any, kept: float, same_size: bool
) -> None:
    folder = saved[which].parent / "spoilt"
    shutil.copytree(saved[which], folder, dirs_exist_ok=True)
    (file,) = folder.glob("*.arrow")
    if same_size:
        changes = [(where, put, True) for where, put, _ in changes]
    file.write_bytes(spoilt(file.read_bytes(), changes, kept))
    survives(folder)


@settings(max_examples=CASES, deadline=None)
@given(
    state=VALUES
    | st.fixed_dictionaries({"_data_files": VALUES | st.lists(st.fixed_dictionaries({"filename": VALUES}))}),
    splits=st.none() | VALUES | st.fixed_dictionaries({"splits": VALUES | st.lists(st.text(max_size=9))}),
)
def test_any_json_in_the_folder(saved: list[Path], state: Any, splits: Any) -> None:
    folder = saved[0].parent / "told"
    shutil.copytree(saved[0], folder, dirs_exist_ok=True)
    (folder / SPLITS).unlink(missing_ok=True)
    (folder / STATE).write_text(json.dumps(state))
    if splits is not None:
        (folder / SPLITS).write_text(json.dumps(splits))
        (folder / INFO).unlink()
    survives(folder)


@settings(max_examples=CASES, deadline=None)
@given(
    name=st.text(max_size=20)
    | st.sampled_from(["../x.arrow", "/x.arrow", "..\\x.arrow", "a/x.arrow", "x\0.arrow", ".arrow"])
)
def test_no_name_leads_out_of_the_folder(saved: list[Path], name: str) -> None:
    folder = saved[0].parent / "names"
    folder.mkdir(exist_ok=True)
    (folder.parent / "x.arrow").write_bytes(b"")
    (folder / INFO).write_text("{}")
    (folder / STATE).write_text(json.dumps({"_data_files": [{"filename": name}]}))
    try:
        files, _ = files_of(folder)
    except ProblemError:
        return
    assert all(file.parent == folder for file in files)
