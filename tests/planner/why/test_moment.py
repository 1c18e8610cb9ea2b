"""The moment of an error, from frames as real tracebacks have them (tracebacks.json; paths shortened)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.ledger import MOMENTS
from planner.why import moment
from planner.why.moment import Moment, full_logits_seen, read_moment
from planner.why.reading import read_error
from planner.why.text import read

TRACEBACKS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "tracebacks.json").read_text(encoding="utf-8"))


def moment_of(text: str) -> Moment | None:
    found = read(text)
    error = read_error(found)
    assert error is not None
    return read_moment(found, error.line)


@pytest.mark.parametrize("row", TRACEBACKS, ids=[row["source"].split("github.com/")[-1] for row in TRACEBACKS])
def test_the_moment_is_read_from_the_frames(row: dict[str, Any]) -> None:
    found = moment_of(row["text"])
    assert found is not None
    assert (found.name, found.part) == (row["moment"], row["part"])
    assert found.seen


def test_every_moment_that_can_be_told_is_told_by_some_traceback() -> None:
    known = {x.name for x in vars(moment).values() if isinstance(x, Moment)}
    assert known - {row["moment"] for row in TRACEBACKS} == {"resuming", "data"}


def test_a_moment_means_instants_of_the_ledger() -> None:
    for found in (x for x in vars(moment).values() if isinstance(x, Moment)):
        assert set(found.moments) <= set(MOMENTS)


def test_without_a_traceback_there_is_no_moment() -> None:
    assert moment_of("RuntimeError: CUDA error: out of memory") is None


def test_of_several_tracebacks_the_one_before_the_error_counts() -> None:
    first, second = (next(r["text"] for r in TRACEBACKS if r["moment"] == m) for m in ("optimizer", "loading"))
    found = moment_of(first + "\n" + second)
    assert found is not None
    assert found.name == "optimizer"
    text = read(first.replace("OutOfMemoryError: CUDA out of memory", "OtherError: x") + "\n" + second)
    error = read_error(text)
    assert error is not None
    assert (read_moment(text, error.line) or found).name == "loading"


def test_transformers_own_loss_is_seen() -> None:
    loss = next(r["text"] for r in TRACEBACKS if "loss_utils" in r["source"])
    other = next(r["text"] for r in TRACEBACKS if r["moment"] == "optimizer")
    for text, expected in ((loss, True), (other, False)):
        found = read(text)
        error = read_error(found)
        assert error is not None
        assert full_logits_seen(found, error.line) is expected
