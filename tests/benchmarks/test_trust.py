"""The rows that the trust page draws are the benchmark's own: its rows, its figures, none left out."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from benchmarks.provenance import ROOT
from benchmarks.truth import trust
from benchmarks.truth.answer import Predicted
from benchmarks.truth.draft_of import predict
from benchmarks.truth.rows import read_file
from benchmarks.truth.score import Answered, percentile
from planner.assets import asset
from tests.benchmarks.one_row import answered

DEV = Path(__file__).resolve().parents[3] / "shared" / "data" / "measured" / "rows_dev.jsonl"
LARGEST_BYTES = 200_000


def rows() -> list[dict[str, Any]]:
    found = json.loads(asset("trust.json").read_text(encoding="utf-8"))
    assert tuple(found["fields"]) == trust.FIELDS
    return [dict(zip(found["fields"], row, strict=True)) for row in found["rows"]]


@pytest.mark.shared
def test_the_rows_are_what_the_benchmark_says_now() -> None:
    if not DEV.is_file():
        pytest.skip("the measured rows are not here")
    now = trust.rendered(trust.table(Answered(x, predict(x.row)) for x in read_file(DEV).rows if x.label.scored))
    assert asset("trust.json").read_text(encoding="utf-8") == now, "run python -m benchmarks.truth.trust ROWS.jsonl"


def test_the_rows_give_the_figures_that_the_results_state() -> None:
    stated = json.loads((ROOT / "benchmarks" / "results" / "truth.json").read_text(encoding="utf-8"))
    errors = {r["id"]: 100 * (r["expected"] - r["measured"]) / r["measured"] for r in rows()}
    sizes = [abs(e) for e in errors.values()]
    assert len(errors) == stated["predicted"]
    assert median(sizes) == pytest.approx(stated["median_abs_pct"], abs=1e-3)
    assert percentile(sizes, 0.9) == pytest.approx(stated["p90_abs_pct"], abs=1e-3)
    for one in stated["worst"]:
        assert errors[one["id"]] == pytest.approx(one["error_pct"], abs=1e-2)


def test_the_parts_of_every_row_add_up_to_its_expected_figure() -> None:
    for row in rows():
        assert sum(row["parts"].values()) == row["expected"], row["id"]
        assert all(size > 0 for size in row["parts"].values())


def test_no_row_names_a_place_that_nobody_else_can_open() -> None:
    assert not [r["source"] for r in rows() if r["source"].endswith(".md") or r["source"].startswith("shared")]


def test_the_table_stays_small() -> None:
    assert asset("trust.json").stat().st_size < LARGEST_BYTES


def test_a_row_that_was_not_measured_is_no_row() -> None:
    one = answered(Predicted(1, 2, 3, parts={"weights": 2}), peak_bytes=2)
    nothing = answered(Predicted(1, 2, 3), peak_bytes=None)
    assert [row[0] for row in trust.table([one, nothing])["rows"]] == [one.published.label.id]
