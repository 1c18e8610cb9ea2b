"""Runs' folders as a worker leaves them, written without one: a spec of a real plan, and journals of the real events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from planner.estimate import estimate
from planner.facts.data import DataFacts
from planner.facts.machine import Device, MachineFacts
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.plan_file import save_spec
from planner.presets import default_plan
from planner.problem import Problem
from planner.run import layout
from planner.run.build import run_spec
from planner.run.events import Checkpoint, Event, Failed, Finished, Memory, Phase, Started, Step
from planner.run.journal import Journal
from planner.run.spec import RunSpec
from planner.units import GIB, MIB

SHAPE = "HuggingFaceTB/SmolLM2-135M"
BEGAN = 1_795_000_000.0


@lru_cache(maxsize=1)
def a_plan() -> Plan:
    """The embedded model's shape and two hundred rows, on a CPU with room."""
    cpu = Device("cpu", "cpu", "a processor", 16 * GIB, 12 * GIB)
    machine = MachineFacts("here", "Linux", "a processor", 4, 16 * GIB, 12 * GIB, 0, 100 * GIB, (cpu,))
    data = DataFacts("rows", "", "messages", 200, 0, "", tuple(range(20, 220)), "counted")
    return default_plan(catalogue.find(SHAPE), data, machine, name="A plan")


@lru_cache(maxsize=32)
def spec_of(plan: Plan) -> RunSpec:
    return run_spec(plan, estimate(plan), Path(), elsewhere=True)


def said_bytes(plan: Plan) -> int:
    return int(dict(spec_of(plan).predicted)["peak_bytes"])


def session(
    steps: int = 4, *, of: int = 4, first: int = 1, at: float = BEGAN, took: int = 400 * MIB, loss: float = 3.0
) -> list[Event]:
    """What one worker writes: it starts, makes steps `first` to `steps` of `of`, one a second, and is read as it goes."""
    events: list[Event] = [Started(at, 1, first - 1 if first > 1 else -1, of, {}, "cpu"), Phase(at, "train")]
    for n in range(first, steps + 1):
        now = at + (n - first) + 1
        value = loss / n
        events.append(Step(now, n, of, value, value.hex(), 1e-4, 1.0, 100 * n, 100.0, 64))
        events.append(Memory(now, "process", "host", took, took, n, "loss"))
    return events


def done(at: float, took: int, *, step: int = 4, outcome: str = "done") -> Finished:
    measured = {"source": "process", "peak_bytes": took, "predicted_bytes": took, "at": "step 2+ loss"}
    return Finished(at, outcome, step, "", "", measured, "We said so. It took so.")


def out_of_memory(at: float, step: int = 2) -> Failed:
    return Failed(at, "train", step, Problem("memory.out", "It ran out of memory in step 2.", "Halve the batch."))


def saved(at: float, step: int, size: int = MIB) -> Checkpoint:
    return Checkpoint(at, step, f"checkpoints/step-{step}", size, 0.1)


def run_folder(folder: Path, events: Iterable[Event] = (), plan: Plan | None = None) -> Path:
    """The folder with its spec and, if there are events, its journal."""
    folder.mkdir(parents=True, exist_ok=True)
    save_spec(replace(spec_of(plan or a_plan()), run_dir=str(folder)), folder / layout.SPEC)
    written = list(events)
    if written:
        journal = Journal(folder)
        for event in written:
            journal.append(event)
        journal.close()
    return folder


def finished_folder(folder: Path, plan: Plan | None = None, *, share: float = 1.0, at: float = BEGAN) -> Path:
    """A run that was done and took `share` of what was said."""
    took = round(said_bytes(plan or a_plan()) * share)
    return run_folder(folder, [*session(took=took, at=at), done(at + 5, took)], plan)
