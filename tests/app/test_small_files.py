"""Recovery copy, recent files, local models, a new run's folder: small files, none of which may break the window."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app import recent
from app.free_now import differs
from app.pages.plan.local_models import local_models
from app.runner import latest_run
from app.shown import wrapped_between
from app.this_computer import fresh
from planner.plan import Plan
from planner.problem import ProblemError
from planner.run import layout
from planner.run.folders import new_run_dir
from planner.run.home import runs_dir

MakePlan = Callable[..., Plan]


def test_recent_files_are_newest_first_without_the_missing(tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.json" for n in "abc"]
    for file in files:
        file.write_text("{}")
        recent.remember(file)
    recent.remember(files[0])
    files[1].unlink()
    assert recent.recent() == [files[0], files[2]]


def test_a_damaged_list_of_recent_files_is_empty(own_home: Path) -> None:
    own_home.mkdir()
    (own_home / recent.RECENT).write_text("{not json")
    assert recent.recent() == []


def test_models_of_the_hub_cache_are_found_by_name_and_half_downloads_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    whole = tmp_path / "models--someone--a-model" / "snapshots" / "1234"
    half = tmp_path / "models--someone--half" / "snapshots" / "1234"
    for folder in (whole, half):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    (whole / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    found = local_models()
    assert [(m.name, m.path) for m in found] == [("someone/a-model", whole), ("someone/half", half)]
    assert found[1].state == "partial"


def test_no_hub_cache_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "absent"))
    assert local_models() == ()


def test_two_runs_of_one_second_get_two_folders() -> None:
    first, second = new_run_dir("Org/Model 7B!"), new_run_dir("Org/Model 7B!")
    assert first != second
    assert first.parent == second.parent == runs_dir()
    assert "org-model-7b" in first.name


def test_a_home_that_is_a_file_is_a_problem_and_no_traceback(own_home: Path) -> None:
    own_home.write_text("in the way")
    with pytest.raises(ProblemError) as caught:
        new_run_dir("x")
    assert caught.value.problem.code == "run.no_folder"


def test_the_newest_run_is_shown_when_none_is_going_on() -> None:
    assert latest_run() is None
    for name in ("20260101-000000-a", "20260102-000000-b"):
        folder = runs_dir() / name
        folder.mkdir(parents=True)
        (folder / layout.SPEC).write_text(json.dumps({}))
    (runs_dir() / "20260103-000000-empty").mkdir()
    found = latest_run()
    assert found is not None
    assert found.name == "20260102-000000-b"


def test_a_stored_plan_takes_todays_figures_of_its_own_computer_only(make_plan: MakePlan) -> None:
    stored, today = make_plan(free_gib=3.0), make_plan(free_gib=9.0).machine
    assert fresh(stored, today).machine == today
    elsewhere = make_plan(free_gib=3.0, kind="cuda")
    other = today.__class__(**{**{f: getattr(today, f) for f in today.__dataclass_fields__}, "name": "another"})
    assert fresh(elsewhere, other).machine == elsewhere.machine


def test_noise_in_free_memory_is_not_told(make_plan: MakePlan) -> None:
    before, near, far = (make_plan(free_gib=n).machine for n in (9.0, 9.001, 8.0))
    assert not differs(before, near)
    failed = replace(far, ram_total_bytes=0, ram_available_bytes=0, devices=())
    assert not differs(before, failed)
    assert differs(before, far)


def test_a_line_breaks_between_facts_and_not_within_a_short_one() -> None:
    assert wrapped_between("4 × 335 tokens · no row cut").split(" ") == [
        "4\xa0×\xa0335\xa0tokens",
        "·",
        "no\xa0row\xa0cut",
    ]
    long = "a fact that is much too long to be kept on one line"
    assert wrapped_between(long) == long
