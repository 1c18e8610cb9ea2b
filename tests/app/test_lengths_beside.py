"""The lengths of many rows lie beside the copy of an unsaved plan: whole, written once, and never another plan's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import lengths_beside, recovery
from planner.plan import Plan
from planner.plan_file import load_plan, save_plan
from planner.problem import ProblemError
from tests.faults import fault

MakePlan = Callable[..., Plan]
N = lengths_beside.MANY + 7


@pytest.fixture
def large(make_plan: MakePlan) -> Plan:
    plan = make_plan()
    lengths, prompts = tuple(range(2, N + 2)), tuple([i % 9 for i in range(N)])
    return replace(plan, data=replace(plan.data, rows=N, lengths=lengths, prompt_lengths=prompts))


def kept(plan: Plan) -> Path:
    copy = recovery.Copy()
    copy.keep(plan, None)
    copy.close()
    assert copy.file is None
    (file,) = recovery.waiting()
    return file


def beside(copy: Path) -> list[Path]:
    return sorted(copy.parent.glob("*.lengths"))


def test_a_plan_of_many_rows_comes_back_equal_from_a_small_copy(large: Plan) -> None:
    file = kept(large)
    assert file.stat().st_size < 50_000
    assert recovery.read(file).plan == large


def test_lengths_are_written_once_and_again_when_they_are_others(large: Plan) -> None:
    copy = recovery.Copy()
    copy.keep(large, None)
    assert copy.file is not None
    (first,) = beside(copy.file)
    written = first.stat().st_mtime_ns, first.stat().st_ino
    copy.keep(large.with_schedule(replace(large.stage.schedule, max_length=77)), None)
    assert [(f.stat().st_mtime_ns, f.stat().st_ino) for f in beside(copy.file)] == [written]
    assert recovery.read(copy.file).plan.stage.schedule.max_length == 77
    other = replace(large, data=replace(large.data, lengths=large.data.lengths[::-1]))
    copy.keep(other, None)
    assert recovery.read(copy.file).plan == other
    assert len(beside(copy.file)) == 1, "those of the plan before are gone"
    folder = copy.file.parent
    copy.drop()
    assert not list(folder.glob("*.lengths"))


@fault(
    "The lengths beside an unsaved plan's copy are damaged or gone",
    injected="The file is cut, changed in one byte, or removed",
    seen="The plan opens as it was left, its lengths as not known",
    lost="The count of tokens; the rows are in their file",
)
@pytest.mark.parametrize("how", ["cut", "changed", "gone", "a folder"])
def test_damaged_lengths_cost_the_lengths_and_not_the_plan(large: Plan, how: str) -> None:
    copy = kept(large)
    (file,) = beside(copy)
    content = bytearray(file.read_bytes())
    file.unlink()
    if how == "cut":
        file.write_bytes(content[:-3])
    elif how == "changed":
        content[40] ^= 1
        file.write_bytes(content)
    elif how == "a folder":
        file.mkdir()
    plan = recovery.read(copy).plan
    assert (plan.data.lengths, plan.data.lengths_from, plan.data.rows) == ((), "unknown", N)
    assert plan.stages == large.stages


@pytest.mark.parametrize(
    "where",
    [3, {}, [], {"file": "../1.json"}, {"file": "1-x.lengths", "lengths": -1, "prompt_lengths": 0}, {"file": "a\0b"}]
    + [{"file": name, "lengths": N, "prompt_lengths": N} for name in ("/etc/hosts", "../1-a.lengths", "1.json", "a\0")]
    + [{"file": "1-x.lengths", "lengths": N, "prompt_lengths": 3}, {"file": "1-x.lengths", "lengths": 2**70}],
)
def test_a_copy_that_names_strange_lengths_is_damaged(large: Plan, where: Any) -> None:
    copy = kept(large)
    value = json.loads(copy.read_text())
    copy.write_text(json.dumps(value | {recovery.BESIDE: where}))
    with pytest.raises(ProblemError) as told:
        recovery.read(copy)
    assert told.value.problem.code == "plan.copy_damaged"


def test_a_plan_of_an_older_turn_does_not_replace_a_newer_one(make_plan: MakePlan) -> None:
    copy = recovery.Copy()
    early, late = copy.turn(), copy.turn()
    copy.keep(make_plan(free_gib=2.0), None, late)
    copy.keep(make_plan(free_gib=1.0), None, early)
    assert copy.file is not None
    assert recovery.read(copy.file).plan == make_plan(free_gib=2.0)


def test_a_saved_plan_of_many_rows_opens_on_its_own(large: Plan, tmp_path: Path) -> None:
    """In a plan file lengths stand whole, many in a line."""
    save_plan(large, tmp_path / "a.json")
    assert load_plan(tmp_path / "a.json") == large
    assert (tmp_path / "a.json").read_text().count("\n") < 1000


@pytest.mark.parametrize("n", [True, 1.0, 2**63, -1, None])
def test_one_number_that_is_none_is_found_among_many(large: Plan, tmp_path: Path, n: object) -> None:
    save_plan(large, tmp_path / "a.json")
    value = json.loads((tmp_path / "a.json").read_text())
    value["data"]["lengths"][N // 2] = n
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(ProblemError) as told:
        load_plan(tmp_path / "a.json")
    assert told.value.problem.code == "plan.damaged"


def test_a_name_that_looks_like_a_kept_place_breaks_no_plan(large: Plan, tmp_path: Path) -> None:
    strange = replace(large, name="\x01many numbers\x01")
    save_plan(strange, tmp_path / "a.json")
    assert load_plan(tmp_path / "a.json") == strange
