"""Journals for the tests of the Run page and its log: written by the worker's own writer, of any length."""

from __future__ import annotations

import math
import random
from pathlib import Path

from planner.run import layout
from planner.run.events import Checkpoint, Evaluation, Event, Memory, Phase, Sample, Started, Step, encode
from planner.units import MIB


def write(run_dir: Path, events: list[Event]) -> Path:
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / layout.EVENTS).open("a", encoding="utf-8") as file:
        file.writelines(encode(event) + "\n" for event in events)
    return run_dir


def long_run(steps: int, *, total: int = 0, every: int = 1000, seed: int = 1, time: float = 1.764e9) -> list[Event]:
    """Steps with a reading each, and now and then an evaluation, a sample and a checkpoint; reproducible."""
    draw, total = random.Random(seed), total or steps
    events: list[Event] = [Started(time, 1, -1, total, {}, "cpu"), Phase(time + 0.5, "train")]
    tokens, peak = 0, 0
    for n in range(1, steps + 1):
        time += 0.05 + 0.01 * draw.random()
        tokens += draw.randrange(100, 2000)
        loss = 2.5 * math.exp(-3 * n / total) + draw.gauss(0, 0.05)
        now = draw.randrange(900 * MIB, 1100 * MIB)
        peak = max(peak, now)
        events.append(Step(time, n, total, loss, loss.hex(), 1e-4, 1.0, tokens, 2000 + 500 * draw.random(), 256))
        events.append(Memory(time + 0.01, "process", "host", now, peak, n, "backward", 512 * MIB))
        if n % every == 0:
            events.append(Phase(time + 0.02, "evaluate"))
            events.append(Evaluation(time + 0.03, n, loss + 0.1, (loss + 0.1).hex(), 4000, 0.5))
            events.append(Sample(time + 0.04, "during", n, "What is memory?", f"An answer after {n} steps."))
            events.append(Phase(time + 0.04, "save"))
            events.append(Checkpoint(time + 0.05, n, f"/x/step-{n}", 3 * MIB, 0.1))
            events.append(Phase(time + 0.05, "train"))
    return events
