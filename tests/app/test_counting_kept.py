"""A count that has just been made is put to rows that are known already: millions of them are not read a second time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.counted import with_count
from planner.facts.lengths import keep_lengths
from planner.facts.read_data import read_data
from planner.plan import Plan

MakePlan = Callable[..., Plan]


@pytest.fixture
def plan(make_plan: MakePlan, tmp_path: Path) -> Plan:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"{i}?", "completion": "yes"}) + "\n" for i in range(4)))
    made = make_plan()
    return replace(made, model=replace(made.model, tokenizer="t" * 64), data=read_data(file))


def test_a_count_is_what_reading_all_rows_anew_would_give(plan: Plan) -> None:
    assert with_count(plan) is None, "nothing is counted yet"
    keep_lengths(plan.data.sha256, plan.model.tokenizer, [3, 4, 5, 6], [1, 2, 3, 4])
    assert with_count(plan) == read_data(plan.data.path, plan.model)


def test_a_file_that_is_another_by_now_is_read_anew(plan: Plan) -> None:
    keep_lengths(plan.data.sha256, plan.model.tokenizer, [3, 4, 5, 6], [1, 2, 3, 4])
    file = Path(plan.data.path)
    file.write_text(file.read_text().replace("yes", "yea"))
    assert with_count(plan) is None
