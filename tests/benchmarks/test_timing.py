"""The measured cells and the published steps are whole, what was shipped comes of them, and the product's formulas hold them."""

from __future__ import annotations

import json
import re

from benchmarks.provenance import kept
from benchmarks.timing import page, shipped
from benchmarks.timing.cells import CELLS
from benchmarks.timing.fitted import fitted
from benchmarks.timing.judged import TEACHER, measured, ratio
from benchmarks.timing.published import TABLE
from planner.timing.speed import table


def test_the_products_table_is_what_the_results_came_to() -> None:
    found = kept("timing.json")
    assert found is not None
    assert table() == shipped.table_of(found)


def test_every_cell_was_measured_and_lies_as_near_to_the_teacher_as_is_stated() -> None:
    cells = measured()
    assert [x.name for x in cells] == list(CELLS)
    assert len(cells) >= 12
    taught = next(ratio(x, {}) for x in cells if x.name == TEACHER)
    known = table()["taught"]["cpu"]
    assert all(known["low"] - 0.01 <= ratio(x, {}) / taught <= known["high"] + 0.01 for x in cells)


def test_a_page_tells_every_cell_and_every_published_step() -> None:
    found = kept("timing.json")
    text = "\n".join(page.section(found))
    assert found is not None
    assert all(name in text for name in CELLS)
    assert all(row["id"] in text for row in found["published"]["rows"])
    assert f"median error {found['cpu']['leave_one_out']['median_abs_pct']} %" in text


def test_every_published_step_names_its_file_and_commit() -> None:
    rows = json.loads(TABLE.read_text(encoding="utf-8"))["rows"]
    assert len({row["id"] for row in rows}) == len(rows) >= 15
    assert all(re.fullmatch(r"[\w-]+/[\w-]+ \S+@[0-9a-f]{12}", row["source"]) for row in rows)
    assert all(row["tokens"] > 0 and row["seconds"] > 0 for row in rows)


def test_a_fit_finds_the_figures_that_made_its_runs() -> None:
    true = {"a": 3.0, "b": 0.2}
    runs = [(1, 5), (2, 1), (7, 2), (1, 30)]

    def predict(figures: dict[str, float]) -> list[float]:
        return [x / figures["a"] + y / figures["b"] for x, y in runs]

    found = fitted({"a": 1.0, "b": 1.0}, predict, predict(true), 1e-6)  # type: ignore[arg-type]
    assert all(abs(found[name] / true[name] - 1) < 1e-3 for name in true)
    fenced = fitted({"a": 1.0, "b": 1.0}, predict, predict(true), 1e-6, {"a": 2.0})  # type: ignore[arg-type]
    assert fenced["a"] < 2.05
