"""What was said is held against what was measured only where both mean the same bytes."""

from __future__ import annotations

from typing import Any

from planner.run.said import Figures, said_of

PREDICTED: dict[str, Any] = {"low_bytes": 900, "peak_bytes": 1000, "high_bytes": 1200, "reserved_bytes": 850}


def test_a_process_is_held_against_the_process() -> None:
    assert said_of(PREDICTED, "process") == Figures(900, 1000, 1200)


def test_what_torch_reserved_is_held_against_reserved_without_the_context() -> None:
    assert said_of(PREDICTED, "reserved") == Figures(750, 850, 1050)


def test_a_run_planned_before_reserved_was_told_keeps_its_figures() -> None:
    old = {k: v for k, v in PREDICTED.items() if k != "reserved_bytes"}
    assert said_of(old, "reserved") == Figures(900, 1000, 1200)


def test_nothing_said_is_zeros() -> None:
    assert said_of({"verdict": "cannot_tell", "peak_bytes": None}, "process") == Figures()
