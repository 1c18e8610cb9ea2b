"""A model of 70 billion parameters, traced on any computer, in a worker of its own: its figures and its memory.

How long it takes is a benchmark's matter: benchmarks/dry_run_large.py.
"""

from __future__ import annotations

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

LONGEST_S, MOST_BYTES = 600.0, 1.5 * GIB


@pytest.mark.slow
def test_a_plan_of_seventy_billion_is_traced_in_little_memory(tmp_path: Path) -> None:
    plan = load_preset("24gb-card", machine_with_card())
    plan = replace(plan, model=catalogue.find("meta-llama/Llama-3.1-70B")).with_choice(choose(Slot.TRAINABLE, "full"))
    save_spec(run_spec(plan, estimate(plan), tmp_path, elsewhere=True, job="dry_run"), tmp_path / layout.SPEC)
    start.start(tmp_path)
    wait_for_end(tmp_path, longest_s=LONGEST_S)
    result = load(DryRun, tmp_path / DRY_RUN)
    said = next(t for t in estimate(plan).tiers if t.place.tier == "device").allocated_bytes
    assert result.live_bytes == pytest.approx(said, rel=0.001)
    assert not [x for x in result.differences if x.why]
    assert result.memory_bytes < MOST_BYTES
