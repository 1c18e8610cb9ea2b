"""The calibration benchmark's cells are what they are said to be, and the page says what its results hold."""

from __future__ import annotations

import pytest

from benchmarks import calibration, calibration_page
from benchmarks.provenance import ROOT, kept
from planner.plan_set import apply_set
from planner.presets import load_preset
from tests.small_run import small_machine


def test_the_cells_are_eleven_different_plans() -> None:
    plans = []
    for changes in calibration.CELLS.values():
        plan = load_preset(calibration.PRESET, small_machine())
        for change in (*calibration.STEPS, *changes):
            plan = apply_set(plan, change)
        plans.append(plan)
    assert len(set(plans)) == 11
    assert next(iter(calibration.CELLS)) == calibration.TEACHER


def test_the_results_in_the_tree_reach_the_goal_and_stand_on_the_page() -> None:
    found = kept("calibration.json")
    if found is None:
        pytest.skip("no results were kept")
    others = found["cells"][1:]
    assert len(others) == 10
    assert all(abs(c["after_bytes"] - c["measured_bytes"]) <= 0.03 * c["measured_bytes"] for c in others)
    assert found["cells"][0]["after_bytes"] == found["cells"][0]["measured_bytes"]
    page = (ROOT / "EXPERIMENTS.md").read_text(encoding="utf-8")
    assert "\n".join(calibration_page.section(found)) in page


def test_a_missed_goal_is_said() -> None:
    found = kept("calibration.json")
    if found is None:
        pytest.skip("no results were kept")
    page = "\n".join(calibration_page.section({**found, "worst_after_pct": 3.1}))
    assert "3.10 % (goal 3 %: **missed**)" in page
    assert list(calibration_page.section(None)) == []
