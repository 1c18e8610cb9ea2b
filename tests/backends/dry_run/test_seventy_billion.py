"""A model of 70 billion parameters, traced on any computer: its time and its memory, from a worker of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from planner.estimate import estimate
from planner.facts.model import catalogue
from planner.plan_file import save_spec
from planner.presets import load_preset
from planner.run import layout, start
from planner.run.build import run_spec
from planner.run.results import DRY_RUN, DryRun, load
from planner.slots import Slot
from planner.units import GIB
from tests.backends.dry_run.random_plans import machine_with_card
from tests.small_run import choose, wait_for_end

LONGEST_S, MOST_BYTES = 90.0, 1.5 * GIB


@pytest.mark.slow
@pytest.mark.parametrize("trainable", ["lora", "full"])
def test_a_plan_of_seventy_billion_is_traced_in_time_and_memory(tmp_path: Path, trainable: str) -> None:
    """On a quiet computer. The whole worker is timed, the start of the interpreter included."""
    plan = load_preset("24gb-card", machine_with_card())
    plan = replace(plan, model=catalogue.find("meta-llama/Llama-3.1-70B")).with_choice(
        choose(Slot.TRAINABLE, trainable)
    )
    save_spec(run_spec(plan, estimate(plan), tmp_path, elsewhere=True, job="dry_run"), tmp_path / layout.SPEC)
    began = time.monotonic()
    start.start(tmp_path)
    wait_for_end(tmp_path, longest_s=6 * LONGEST_S)
    took = time.monotonic() - began
    result = load(DryRun, tmp_path / DRY_RUN)
    said = next(t for t in estimate(plan).tiers if t.place.tier == "device").allocated_bytes
    assert result.live_bytes == pytest.approx(said, rel=0.001)
    assert not [x for x in result.differences if x.why]
    assert result.memory_bytes < MOST_BYTES
    assert took < LONGEST_S
