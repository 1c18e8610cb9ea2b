"""What is said about a plan's likely miss comes from runs that are like it, and from enough of them."""

from __future__ import annotations

import json

from planner.assets import asset
from planner.drafting import draft
from planner.evidence import FEWEST_RUNS, Evidence, Likeness, evidence, likeness, of_plan
from planner.plan_set import apply_set
from planner.presets import load_preset
from tests.small_run import small_machine


def test_a_plan_is_like_others_by_what_it_trains_and_keeps() -> None:
    plan = load_preset("first-run", small_machine())
    assert likeness(draft(plan)) == Likeness("cpu", "adapter", "plain", "everything")
    changed = apply_set(apply_set(plan, "trainable=full"), "activation=checkpointing")
    assert likeness(draft(changed)) == Likeness("cpu", "all", "plain", "inputs")


def test_the_narrowest_group_with_enough_runs_is_told() -> None:
    groups = json.loads(asset("evidence.json").read_text(encoding="utf-8"))["groups"]
    enough = [g for g in groups if g["runs"] >= FEWEST_RUNS]
    assert enough
    for g in enough:
        key = Likeness(g["device"], g["trains"], g["packed"], g["kept"])
        assert evidence(key) == Evidence(key, g["runs"], g["median_pct"], g["p90_pct"])
    for g in groups:
        found = evidence(Likeness(g["device"], g["trains"], g["packed"], g["kept"]))
        assert found is None or found.runs >= FEWEST_RUNS


def test_each_plan_is_told_of_its_own_group() -> None:
    plan = load_preset("8gb-card", small_machine())
    told = of_plan(plan)
    other = of_plan(apply_set(plan, "trainable=full"))
    assert told is not None
    assert other is not None
    assert told.likeness == Likeness("card", "adapter", "plain", "inputs")
    assert other.likeness == Likeness("card", "all", "plain", "inputs")
    here = of_plan(load_preset("first-run", small_machine()))
    assert here is not None
    assert here.likeness == Likeness("cpu")


def test_nothing_is_told_of_a_device_that_nobody_measured() -> None:
    assert evidence(Likeness("abacus", "all", "plain", "inputs")) is None


def test_the_sentence_gives_the_median_and_how_many_runs() -> None:
    told = str(Evidence(Likeness("card", "adapter", "packed", "inputs"), 31, 0.84, 2.95))
    assert told == (
        "For plans like this one (adapters on quantised weights, with checkpointing, on a card) the median error was "
        "0.8 % over 31 measured runs, and 9 of 10 were within 3.0 %."
    )
