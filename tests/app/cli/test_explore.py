"""`plimsoll explore`: counts that add up, a frontier that nothing beats, and rows that are real plans."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.cli import plan_source
from app.cli.main import main
from planner.estimate import estimate
from planner.explore import search
from planner.plan import Plan
from planner.plan_set import apply_set
from planner.presets import load_preset
from planner.units import GIB
from tests.small_run import small_machine

explored_once = cache(search.explore)
"""The same plan is explored to the same end, which the tests of the search hold; here once is enough."""


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(plan_source, "this_machine", lambda _run_in=None: small_machine())
    monkeypatch.setattr(search, "explore", explored_once)


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["explore", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = called(capsys, *arguments, "--json")
    return code, json.loads(out)


@cache
def preset() -> Plan:
    return load_preset("24gb-card", small_machine())


@pytest.fixture
def made(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code, found = as_json(capsys, "--preset", "24gb-card", "--top", "4")
    assert code == 0
    return found


def test_what_is_promised_to_scripts_is_there_and_adds_up(made: dict[str, Any]) -> None:
    fields = (
        "combinations structures valid invalid fit tight comparable invalid_because place budget_bytes by answer best"
    )
    assert {*fields.split(), "frontier", "top", "misses", "elapsed_s"} == set(made)
    assert made["valid"] + made["invalid"] == made["combinations"]
    assert sum(reason["plans"] for reason in made["invalid_because"]) == made["invalid"]
    assert all(reason["code"] and reason["fact"] and reason["example"] for reason in made["invalid_because"])
    assert 0 < made["fit"] + made["tight"] <= made["valid"]
    assert len(made["top"]) == 4


def test_every_row_is_a_plan_with_these_very_figures(made: dict[str, Any]) -> None:
    for row in (made["best"], *made["frontier"], *made["top"]):
        plan = preset()
        for change in row["set"]:
            plan = apply_set(plan, change)
        now = estimate(plan)
        tier = now.tiers[0]
        assert (row["low_bytes"], row["peak_bytes"], row["high_bytes"]) == (
            tier.low_bytes,
            tier.peak_bytes,
            tier.high_bytes,
        )
        assert row["verdict"] == now.verdict.value == "fits"
        schedule = plan.stage.schedule
        assert (row["micro_batch"], row["max_length"]) == (schedule.micro_batch, schedule.max_length)


def test_no_row_of_the_frontier_beats_another_and_nothing_listed_beats_it(made: dict[str, Any]) -> None:
    frontier = [(row["high_bytes"], row["seconds_per_epoch"]) for row in made["frontier"]]
    assert frontier == sorted(frontier)
    assert [s for _, s in frontier] == sorted((s for _, s in frontier), reverse=True)
    for row in made["top"]:
        assert any(m <= row["high_bytes"] and s <= row["seconds_per_epoch"] for m, s in frontier)


def test_words_say_the_counts_and_the_best(capsys: pytest.CaptureFixture[str], made: dict[str, Any]) -> None:
    code, out, _ = called(capsys, "--preset", "24gb-card", "--top", "2")
    assert code == 0
    assert f"{made['combinations']:,} combinations" in out
    assert made["answer"] in out
    assert made["invalid_because"][0]["fact"] in out
    best = out.partition("The best as changes of this plan: ")[2].strip()
    assert best == " ".join(f"--set {change}" for change in made["best"]["set"])


def test_less_room_fits_less_and_no_room_fits_nothing(capsys: pytest.CaptureFixture[str], made: dict[str, Any]) -> None:
    code, less = as_json(capsys, "--preset", "24gb-card", "--budget", "12")
    assert code == 0
    assert less["budget_bytes"] == 12 * GIB
    assert 0 < less["fit"] < made["fit"]
    assert less["best"]["high_bytes"] <= 12 * GIB
    code, none = as_json(capsys, "--preset", "24gb-card", "--budget", "1")
    assert (code, none["fit"], none["best"], none["frontier"]) == (3, 0, None, [])
    assert none["misses"]


@pytest.mark.parametrize(
    ("by", "field", "sign"),
    [
        ("memory", "high_bytes", 1),
        ("trainable", "trainable", -1),
        ("size", "saved_bytes", 1),
        ("quality", "quality", 1),
    ],
)
def test_the_list_is_in_the_order_that_was_asked_for(
    capsys: pytest.CaptureFixture[str], by: str, field: str, sign: int
) -> None:
    _, made = as_json(capsys, "--preset", "24gb-card", "--by", by)
    values = [sign * row[field] for row in made["top"]]
    assert len(values) > 2
    assert values == sorted(values)
    assert made["by"] == by


def test_another_card_is_named_as_people_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, made = as_json(capsys, "--preset", "first-run", "--gpu", "3060 12GB")
    assert code == 0
    assert made["place"] == "NVIDIA GeForce RTX 3060"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        ((), 2, "cli.no_plan"),
        (("--preset", "first-run", "--gpu", "RTX 4O90"), 2, "fit.unknown_gpu"),
        (("--preset", "first-run", "--budget", "-1"), 2, "explore.budget"),
        (("--preset", "first-run", "--budget", "nan"), 2, "explore.budget"),
        (("--preset", "first-run", "--top", "-1"), 2, "explore.top"),
        (("--preset", "first-run", "--set", "model=openai/gpt-oss-20b"), 4, "model.unsupported"),
    ],
)
def test_what_cannot_be_explored_says_why(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    found, out, err = called(capsys, *arguments)
    assert (found, out) == (exit_code, "")
    assert code in err


def test_help_has_the_fields_of_the_json(capsys: pytest.CaptureFixture[str], made: dict[str, Any]) -> None:
    with pytest.raises(SystemExit):
        main(["explore", "--help"])
    told = capsys.readouterr().out
    assert all(field in told for field in (*made, *made["best"]))
