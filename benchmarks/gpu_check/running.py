"""One plan through the real worker, alone or with less memory than the machine has, and what its journal tells of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from planner.estimate import estimate
from planner.plan import Plan
from planner.plan_file import save_spec
from planner.problem import Problem
from planner.run import layout
from planner.run.build import run_spec
from planner.run.events import Failed, Finished, Memory, Phase
from planner.run.journal import last_word, read_all, steps
from planner.run.start import environment

LONGEST_S = 900.0


@dataclass(frozen=True)
class Ran:
    """peaks: highest bytes by source (process, allocated, reserved) and tier. phase: the last one that was told."""

    done: bool
    seconds: float
    peaks: dict[str, int] = field(default_factory=dict)
    losses: tuple[str, ...] = ()
    problem: Problem | None = None
    phase: str = ""
    log: str = ""


def run(
    plan: Plan, folder: Path, *, job: str = "train", limit_bytes: int = 0, variables: Mapping[str, str] | None = None
) -> Ran:
    """Run it in a new `folder` and wait. limit_bytes: of the card, or on a CPU beyond what the libraries take.
    variables: of the environment, beside the worker's own.

    Raises ProblemError where it cannot be started.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_spec(run_spec(plan, estimate(plan), folder, job=job), folder / layout.SPEC)
    module = ["benchmarks.gpu_check.limited", str(limit_bytes)] if limit_bytes else ["backends.worker"]
    began = time.monotonic()
    with (folder / layout.LOG).open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", *module, str(folder)],
            cwd=folder,
            env={**environment(folder), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            worker.wait(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    return _told(folder, time.monotonic() - began)


def _told(folder: Path, seconds: float) -> Ran:
    events = read_all(folder, over=True).events
    word = last_word(events)
    peaks: dict[str, int] = {}
    for event in events:
        if isinstance(event, Memory):
            name = f"{event.tier} {event.source}"
            peaks[name] = max(peaks.get(name, 0), event.peak_bytes)
    phases = [event for event in events if isinstance(event, Phase)]
    return Ran(
        done=isinstance(word, Finished),
        seconds=round(seconds, 1),
        peaks=peaks,
        losses=tuple(step.loss_hex for step in steps(events)),
        problem=word.problem if isinstance(word, Failed) else None,
        phase=phases[-1].phase if phases else "",
        log=(folder / layout.LOG).read_text(encoding="utf-8", errors="replace"),
    )
