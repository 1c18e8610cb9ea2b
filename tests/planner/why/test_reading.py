"""Every wording of an out-of-memory error that was seen in public reports gives its figures (errors.json has them)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.units import GIB
from planner.why.reading import Reading, read_error
from planner.why.text import read

ERRORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "errors.json").read_text(encoding="utf-8"))
OOM = next(row["text"] for row in ERRORS if row["source"].endswith("instructlab/issues/2666"))


def read_text(text: str) -> Reading:
    found = read_error(read(text))
    assert found is not None
    return found


@pytest.mark.parametrize("row", ERRORS, ids=[row["source"].split("github.com/")[-1][:60] for row in ERRORS])
def test_what_an_error_says_is_read(row: dict[str, Any]) -> None:
    found = read_text(row["text"])
    for field, expected in row["expect"].items():
        said = getattr(found, field)
        assert (said if not isinstance(said, tuple) else [list(x) for x in said]) == expected, field


@pytest.mark.parametrize("prefix", ["[rank3]: ", "> ", "stderr: ", "\x1b[31m", "2026-03-01 10:00:00,123 ERROR "])
def test_what_stands_before_a_line_changes_nothing(prefix: str) -> None:
    for row in ERRORS:
        dressed = "\r\n".join(prefix + line for line in row["text"].split("\n"))
        assert read_text(dressed) == read_text(row["text"]), row["source"]


def test_a_text_without_an_error_has_none() -> None:
    for text in ("", "loss 0.3\nstep 12", "We talk about memory and processes: process 12 has a lot.", "exit code 1"):
        assert read_error(read(text)) is None


def test_of_two_errors_the_first_is_read_and_both_are_counted() -> None:
    second = OOM.replace("238.00 MiB", "1.00 GiB")
    found = read_text(f"{OOM}\n{second}\n{OOM}")
    assert found.asked == 238 * 2**20
    assert found.errors == 2


def test_an_error_with_figures_comes_before_what_a_launcher_says_of_it() -> None:
    text = f"exitcode  : -9 (pid: 1)\n{OOM}\nSignal 9 (SIGKILL) received by PID 1"
    assert read_text(text).kind == "cuda"


def test_figures_of_one_error_never_come_from_the_next() -> None:
    bare = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. "
    found = read_text(f"{bare}\n{OOM}")
    assert found.asked == 2 * GIB
    assert found.total is None
    assert found.process is None
