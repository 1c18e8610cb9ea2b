"""Presets: each is a whole plan, the first is the example, and the example's figures do not wait for its download."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner import plan_file
from planner.estimate import Verdict, estimate, plan_problems
from planner.facts.machine import Device, MachineFacts
from planner.plan_set import apply_set
from planner.presets import EMBEDDED, default_plan, load_preset, preset_names, read_preset
from planner.problem import ProblemError
from planner.techniques import registry
from planner.units import GIB
from tests.small_run import small_machine


def test_the_example_comes_first() -> None:
    assert preset_names()[0] == "first-run"
    assert read_preset("first-run").model == EMBEDDED
    assert read_preset("first-run").machine is None


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_whole_plan_that_fits_where_it_says(name: str) -> None:
    plan = load_preset(name, small_machine())
    assert plan_problems(plan) == ()
    assert {c.slot for c in plan.stage.choices} == set(registry.slots())
    assert estimate(plan).verdict in (Verdict.FITS, Verdict.TIGHT)
    assert plan_file.loads(plan_file.dumps(plan)) == plan
    assert read_preset(name).title
    assert read_preset(name).says.endswith(".")


def test_a_preset_with_its_own_machine_ignores_this_one() -> None:
    assert load_preset("8gb-card", small_machine()).machine.device("cuda:0") is not None


def test_a_new_plan_takes_the_accelerator_with_the_most_free_memory() -> None:
    cpu = Device("cpu", "cpu", "CPU", 64 * GIB, 60 * GIB)
    cards = [Device(f"cuda:{i}", "cuda", "card", 24 * GIB, free * GIB) for i, free in enumerate((3, 20, 7))]
    machine = MachineFacts("m", "Linux", "CPU", 8, 64 * GIB, 60 * GIB, 0, 100 * GIB, (*cards, cpu))
    example = load_preset("first-run", machine)
    assert json.loads(plan_file.dumps(example))["stages"][0]["choices"]["placement"]["options"] == {"device": "cuda:1"}
    assert default_plan(example.model, example.data, small_machine()).machine == small_machine()


@pytest.mark.slow
def test_the_example_is_planned_alike_before_and_after_it_is_fetched(
    real_model_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fetched = load_preset("first-run", small_machine())
    assert fetched.model.path
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    before = load_preset("first-run", small_machine())
    assert before.model.path == ""
    assert before.data.lengths_from == fetched.data.lengths_from == "counted"
    assert estimate(before).tiers == estimate(fetched).tiers


def test_setting_a_model_counts_the_rows_again(tiny_model_dir: Path) -> None:
    plan = load_preset("first-run", small_machine())
    assert plan.data.lengths_from == "counted"
    other = apply_set(plan, f"model={tiny_model_dir}")
    assert other.model.path
    assert other.data.lengths_from == "estimated"


def test_setting_the_technique_that_is_set_keeps_its_options() -> None:
    plan = apply_set(load_preset("first-run", small_machine()), "trainable.rank=3")
    assert apply_set(plan, "trainable=lora") == plan
    assert apply_set(apply_set(plan, "trainable=full"), "trainable=lora") != plan


def test_each_form_of_set_changes_what_it_names() -> None:
    plan = load_preset("first-run", small_machine())
    assert apply_set(plan, "name=a=b").name == "a=b"
    assert apply_set(plan, "schedule.learning_rate=1e-5").stage.schedule.learning_rate == 1e-5
    assert apply_set(plan, "trainable.target_modules=q_proj, v_proj") != plan
    assert apply_set(plan, "data=sample").data == plan.data
    assert apply_set(plan, "model=embedded") == plan


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ProblemError) as caught:
        load_preset("../../etc/passwd", small_machine())
    assert caught.value.problem.code == "preset.unknown"
    assert "first-run" in caught.value.problem.advice
