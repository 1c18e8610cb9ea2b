"""How long the dry run of a model of 70 billion parameters takes, and in how much memory. Run: python -m benchmarks.dry_run_large

Each plan has a worker of its own, as for a person; the start of the interpreter and its libraries is in the time. The
exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from planner.estimate import estimate
from planner.facts.gpus import other_machine
from planner.facts.model import catalogue
from planner.plan_file import save_spec
from planner.presets import load_preset
from planner.run import layout, lock, start
from planner.run.build import run_spec
from planner.run.results import DRY_RUN, DryRun, load
from planner.slots import Slot
from planner.techniques import registry
from planner.units import GIB, words

MODEL, CARD = "meta-llama/Llama-3.1-70B", "NVIDIA GeForce RTX 4090"
GOAL_S, GOAL_BYTES = 90.0, 1.5 * GIB
LOOK_EVERY_S = 0.1


def traced(trainable: str, checkpointing: bool, accumulation: int, folder: Path) -> tuple[DryRun, float]:
    """The result and the seconds of the whole worker."""
    plan = replace(load_preset("24gb-card", other_machine(CARD)), model=catalogue.find(MODEL))
    plan = plan.with_choice(registry.default_choice(Slot.TRAINABLE, trainable))
    kept = "checkpointing" if checkpointing else "keep_all"
    plan = plan.with_choice(registry.default_choice(Slot.ACTIVATION, kept))
    plan = plan.with_schedule(replace(plan.stage.schedule, grad_accumulation=accumulation))
    save_spec(run_spec(plan, estimate(plan), folder, elsewhere=True, job="dry_run"), folder / layout.SPEC)
    began = time.monotonic()
    start.start(folder)
    while lock.is_held(folder):
        time.sleep(LOOK_EVERY_S)
    return load(DryRun, folder / DRY_RUN), time.monotonic() - began


def main() -> int:
    missed = False
    print(f"{'plan of ' + MODEL:52} {'seconds':>8} {'memory':>9} {'live':>11} {'reserved':>11}")
    for trainable, checkpointing, accumulation in (("full", True, 1), ("lora", False, 1), ("lora", True, 8)):
        with tempfile.TemporaryDirectory() as folder:
            result, took = traced(trainable, checkpointing, accumulation, Path(folder))
        what = f"{trainable}{', checkpointing' if checkpointing else ''}, accumulation {accumulation}"
        figures = f"{words(result.memory_bytes):>9} {words(result.live_bytes):>11} {words(result.reserved_bytes):>11}"
        print(f"{what:52} {took:8.1f} {figures}")
        missed = missed or took > GOAL_S or result.memory_bytes > GOAL_BYTES
    print(f"Goal: {GOAL_S:.0f} s and {words(int(GOAL_BYTES))}.")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
