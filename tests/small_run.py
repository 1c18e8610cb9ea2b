"""Real runs small enough for a test: a plan over the two-layer model, its spec in a folder, and waiting for an ending."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.estimate import estimate
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.folder import read_folder
from planner.facts.read_data import read_data
from planner.plan import Choice, Plan, Stage
from planner.plan_file import spec_to_json
from planner.run import layout, lock
from planner.run.build import run_spec
from planner.run.events import Event
from planner.run.journal import read_all
from planner.run.spec import RunSpec
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques import registry
from planner.units import GIB

LONGEST_S = 120.0
LOOK_EVERY_S = 0.02
STARTER_S = 60.0
STARTER = "worker-end"


def small_machine() -> MachineFacts:
    """A CPU with room, so that no test depends on what else this computer does."""
    cpu = Device("cpu", "cpu", "test CPU", 64 * GIB, 48 * GIB)
    return MachineFacts("test", "Linux", "test CPU", 1, 64 * GIB, 48 * GIB, 0, 100 * GIB, (cpu,))


def small_plan(model: Path, data: Path, *choices: Choice, **schedule: Any) -> Plan:
    """Defaults of every slot, then `choices`; two steps of two rows unless `schedule` says otherwise."""
    settings: dict[str, Any] = {"micro_batch": 2, "max_length": 64, "max_steps": 2, "threads": 1, **schedule}
    stage = Stage(tuple(registry.default_choice(slot) for slot in registry.slots()), Schedule(**settings))
    for choice in choices:
        stage = stage.with_choice(choice)
    return Plan("small", read_folder(model), read_data(data), small_machine(), (stage,))


def choose(slot: Slot, name: str, **options: Any) -> Choice:
    """A choice with some options set."""
    choice = registry.default_choice(slot, name)
    return replace(choice, options=replace(choice.options, **options))


def write_run(run_dir: Path, plan: Plan, **changes: Any) -> RunSpec:
    """The run's folder with its spec.json."""
    run_dir.mkdir(parents=True, exist_ok=True)
    spec = replace(run_spec(plan, estimate(plan), run_dir), **{"sample_tokens": 4, **changes})
    (run_dir / layout.SPEC).write_text(json.dumps(spec_to_json(spec)), encoding="utf-8")
    return spec


def wait_until(run_dir: Path, happened: Callable[[tuple[Event, ...]], object]) -> tuple[Event, ...]:
    """The journal's events as soon as `happened(events)` is true of them; fails with the worker's log when it cannot be.

    It looks as a window does, at the files: a detached process has no other way to say something.
    """
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        over = not lock.is_held(run_dir)
        events = read_all(run_dir).events
        if happened(events):
            return events
        if over:
            break
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(
        f"it did not happen; the journal ends with {read_all(run_dir).events[-3:]}\n{log_tail(run_dir)}"
    )


def wait_for_end(run_dir: Path, *, longest_s: float = LONGEST_S) -> tuple[Event, ...]:
    """The journal when the worker has let go of the run; its starter, if it still lives, has written how it ended."""
    deadline = time.monotonic() + longest_s
    while lock.is_held(run_dir):
        assert time.monotonic() < deadline, f"the worker did not end\n{log_tail(run_dir)}"
        time.sleep(LOOK_EVERY_S)
    deadline = time.monotonic() + STARTER_S
    while starter_lives() and not (run_dir / layout.EXIT).exists() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return read_all(run_dir, over=True).events


def starter_lives() -> bool:
    """Whether this process started a worker whose end it has not written down yet."""
    return any(thread.name == STARTER for thread in threading.enumerate())


def log_tail(run_dir: Path) -> str:
    log = run_dir / layout.LOG
    return log.read_text(errors="replace")[-4000:] if log.exists() else ""


def kill(run_dir: Path) -> None:
    """End the worker as the system does when memory runs out, and wait until it is gone."""
    pid = lock.holder_pid(run_dir)
    assert pid > 1
    os.kill(pid, signal.SIGKILL)
    wait_for_end(run_dir)
