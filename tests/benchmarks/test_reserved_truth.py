"""Reserved and process memory against published runs that read both: the closed form, and the replay behind it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.truth.answer import Predicted
from benchmarks.truth.draft_of import drafted, ledger, predict
from benchmarks.truth.readings import T4_SOURCE
from benchmarks.truth.reserved_of import run_of
from benchmarks.truth.rows import Published, read_file
from planner.facts.model.catalogue import find
from planner.replay import replayed

ROWS = Path(__file__).parents[3] / "shared" / "data" / "measured" / "rows_dev.jsonl"

pytestmark = pytest.mark.skipif(not ROWS.exists(), reason="the published rows are not beside the project")


@cache
def rows() -> tuple[Published, ...]:
    return read_file(ROWS).rows


def both_read(source: str) -> list[tuple[Published, int]]:
    """Scored training rows of a source with the reserved bytes that were read."""
    found = []
    for one in rows():
        more = one.measured.more_metrics
        if one.label.scored and one.label.repository == source and more and more.reserved_bytes:
            found.append((one, more.reserved_bytes))
    assert len(found) > 30
    return found


@pytest.mark.parametrize(("source", "mean_pct"), [(T4_SOURCE, 4.0), ("huggingface/peft", 2.0)])
def test_the_closed_form_says_what_was_reserved(source: str, mean_pct: float) -> None:
    errors = []
    for one, reserved in both_read(source):
        answer = predict(one.row)
        assert isinstance(answer, Predicted)
        assert answer.expected_reserved is not None
        errors.append(abs(answer.expected_reserved / reserved - 1) * 100)
    assert fmean(errors) < mean_pct


@pytest.mark.parametrize(("source", "mean_pct"), [(T4_SOURCE, 3.5), ("huggingface/peft", 2.5)])
def test_a_replay_with_nothing_fitted_says_it_as_well(source: str, mean_pct: float) -> None:
    errors = []
    for one, reserved in both_read(source):
        facts = find(one.row.model_key or "")
        draft = drafted(one.row, facts)
        came = replayed(run_of(one.row, draft, ledger(one.row, facts)[1]))
        errors.append(abs(came.reserved_bytes / reserved - 1) * 100)
    assert fmean(errors) < mean_pct
