"""How long an estimate takes: `python -m benchmarks.estimate_speed`. Goal: at most 100 µs each, once a model is known.

The first estimate of a combination runs the tape (about a millisecond); all later ones, with any batch, length, rank of
the plan's own options apart, look its amounts up. Times are of the process's own CPU time, the best of several rounds.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from planner.estimate import estimate, estimate_grid
from planner.facts.data import DataFacts
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.facts import ModelFacts
from planner.plan import Choice, Plan, Stage
from planner.schedule import Schedule
from planner.techniques import registry
from planner.units import GIB

GOAL_US = 100.0


def plan(choices: tuple[Choice, ...]) -> Plan:
    model = ModelFacts(
        "135M", "catalogue", "LlamaForCausalLM", "dense_gated_decoder", 49152, 576, 1536, 30, 9, 3, 64, True
    )
    cpu = Device("cpu", "cpu", "cpu", 64 * GIB, 60 * GIB)
    machine = MachineFacts("m", "Linux", "cpu", 8, 64 * GIB, 60 * GIB, 0, 1000 * GIB, (cpu,))
    data = DataFacts("d", "", "messages", 200, 0, "", tuple(range(20, 220)), "counted")
    return Plan("p", model, data, machine, (Stage(choices, Schedule()),))


def best_us(run: Callable[[], object], rounds: int = 15, each: int = 60) -> float:
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(each):
            run()
        best = min(best, (time.process_time() - began) / each)
    return best * 1e6


def main() -> int:
    combinations = [
        tuple(Choice(t.slot, t.name, t.Options()) for t in one)
        for one in itertools.product(*(registry.of_slot(slot) for slot in registry.slots()))
    ]
    began = time.process_time()
    for one in combinations:
        estimate(plan(one))
    first_us = (time.process_time() - began) / len(combinations) * 1e6
    plans = [plan(one) for one in combinations]
    worst = max(best_us(partial(estimate, one), rounds=6) for one in plans[:: len(plans) // 8])
    usual = best_us(partial(estimate, plans[0]))
    print(f"first estimate of a combination  {first_us:8.0f} µs  ({len(combinations)} combinations)")
    print(f"estimate, defaults               {usual:8.0f} µs  (goal {GOAL_US:.0f})")
    print(f"estimate, slowest of eight       {worst:8.0f} µs")
    import numpy as np

    rows, seq = np.arange(1, 65, dtype=np.int64)[:, None], np.arange(64, 4160, 64, dtype=np.int64)[None, :]
    grid = best_us(partial(estimate_grid, plans[0], rows, seq), rounds=5, each=5)
    print(
        f"grid of {rows.size} × {seq.size}                   {grid:8.0f} µs  ({grid / rows.size / seq.size:.3f} µs a point)"
    )
    return 0 if usual <= GOAL_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
