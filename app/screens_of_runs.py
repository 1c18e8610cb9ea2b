"""Real runs for pictures of the Run page: one that evaluates and samples as it goes, and one whose memory runs out.

The second is brought about by the system's own limit on what a process may hold, set while the run is under way; Linux
only. Nothing in either is made up.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from app.runner import make_run
from planner.estimate import estimate
from planner.presets import load_preset
from planner.probe import machine as probe
from planner.run import inbox, journal, lock
from planner.run.events import Checkpoint, Failed, Phase
from planner.schedule import Schedule
from planner.units import MIB

STEPS, EVERY = 24, 4
ROOM_BYTES = 64 * MIB  # beside what it holds between two steps; its logits alone are larger


def evaluated_run() -> Path:
    """A run of some steps with rows held out, evaluated and sampled every few; when it is over."""
    run_dir = _started(eval_fraction=0.1, eval_steps=EVERY, sample_steps=2 * EVERY)
    while lock.is_held(run_dir):
        time.sleep(0.5)
    return run_dir


def run_out_of_memory() -> Path | None:
    """A run that is given too little to make its next step, after its first checkpoint; None where no limit can be set."""
    if sys.platform != "linux":
        return None
    import resource

    run_dir = _started(save_steps=EVERY)
    _wait(run_dir, Checkpoint)
    inbox.send(run_dir, "pause")
    _wait(run_dir, Phase, "paused")
    pid = lock.holder_pid(run_dir)
    held = next(n for n in Path(f"/proc/{pid}/status").read_text().splitlines() if n.startswith("VmData"))
    room = int(held.split()[1]) * 1024 + ROOM_BYTES
    resource.prlimit(pid, resource.RLIMIT_DATA, (room, room))
    inbox.send(run_dir, "resume")
    _wait(run_dir, Failed)
    return run_dir


def _started(**schedule: int | float) -> Path:
    plan = load_preset("first-run", probe())
    changed: Schedule = replace(plan.stage.schedule, max_steps=STEPS, **schedule)  # type: ignore[arg-type]
    return make_run(estimate(plan.with_schedule(changed)))


def _wait(run_dir: Path, kind: type[Checkpoint | Phase | Failed], phase: str = "") -> None:
    """Until the newest lines hold such an event, or the run is over."""
    while True:
        held = lock.is_held(run_dir)
        found = [e for e in journal.tail(run_dir) if isinstance(e, kind)]
        if any(not phase or (isinstance(e, Phase) and e.phase == phase) for e in found) or not held:
            return
        time.sleep(0.2)
