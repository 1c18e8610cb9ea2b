"""EXPERIMENTS.md and its picture follow from the files of results, and from nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import experiments, report
from benchmarks.picture import draw
from benchmarks.provenance import ROOT
from benchmarks.truth.answer import Answer, Predicted, Refused
from benchmarks.truth.row import Row
from tests.benchmarks.one_row import answered, raw_row


def half(row: Row) -> Answer:
    if row.padded:
        return Refused("it is padded | badly")
    return Predicted(900, 1010, 1100, parts={"weights": 1010}, expected_process=1020)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    rows = tmp_path / "rows.jsonl"
    several = [raw_row(), raw_row(id="two", source="PyPI fitcheck-llm 0.3.1 run 2"), raw_row(id="three", padded=True)]
    rows.write_text("\n".join(map(json.dumps, several)), encoding="utf-8")
    monkeypatch.setattr(report, "predict", half)
    return report.truth(rows)[0]


def test_every_goal_is_on_the_page_with_its_figure(results: dict[str, Any]) -> None:
    page = experiments.text(results, None)
    for goal in experiments.GOALS:
        assert goal.words in page
    assert "| Training, confidence high: median error | ≤ 2 % | 1 % | yes |" in page
    assert "| Scored rows predicted | ≥ 90 % | 66.7 % | **missed** |" in page
    assert "| T4 rows: process, mean error | ≤ 4 % | – | no figure |" in page
    assert "it is padded \\| badly" in page
    assert "None was installed" in page


def test_results_are_json_with_their_provenance(results: dict[str, Any]) -> None:
    again = json.loads(json.dumps(results))
    assert {"commit", "version", "python", "rows_file", "rows_sha256", "seconds"} <= set(again)
    assert experiments.text(again, None) == experiments.text(results, None)


def test_another_tool_stands_beside_ours_on_the_same_rows(results: dict[str, Any]) -> None:
    both = {"theirs": results, "ours": results | {"predicted": 1, "median_abs_pct": 3.0}}
    tool = {
        "version": "1.0", "covers": "some runs", "scored_rows": 3, "accepted": 2, "cannot_be_asked": {"too odd": 1},
        "refuses": {}, "all_accepted": both, "its_own_source": None, "other_sources": both, "by_source": {},
    }  # fmt: skip
    page = experiments.text(results, results | {"tools": {"That": tool}})
    assert "### That 1.0" in page
    assert "| **all it answers** | 2 (ours refuses 1) | 1.00 % | 3.00 % |" in page


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    rows = [answered(half_of(size), peak_bytes=2**30 * size, source=f"from {size}/x") for size in range(1, 12)]
    draw(rows, tmp_path / "a.svg")
    draw(rows, tmp_path / "b.svg")
    draw([], tmp_path / "none.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "none.svg").read_bytes()


def half_of(size: int) -> Predicted:
    return Predicted(1, 2**30 * size, 2**40)


def test_the_page_in_the_tree_is_what_its_results_say() -> None:
    files = [ROOT / "benchmarks" / "results" / name for name in ("truth.json", "estimators.json")]
    if not all(f.is_file() for f in files):
        pytest.skip("no results were kept")
    truth, others = (json.loads(f.read_text(encoding="utf-8")) for f in files)
    assert (ROOT / "EXPERIMENTS.md").read_text(encoding="utf-8") == experiments.text(truth, others)
    assert (ROOT / experiments.PICTURE).is_file()
