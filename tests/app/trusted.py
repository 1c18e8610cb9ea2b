"""Runs' folders as a worker leaves them, written without one, and rows made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from app.pages.trust.rows import Origin, Reading, TrustRow
from planner.calibration.observation import PROOF, Observation, predicting_version
from planner.estimate import estimate
from planner.plan import Plan
from planner.plan_file import save_spec
from planner.run import layout
from planner.run.build import run_spec
from planner.run.events import Finished, Memory, Started, Step
from planner.run.journal import Journal
from planner.run.spec import RunSpec
from planner.units import GIB, MIB


def row(name: str = "a run", *, origin: Origin = Origin.PUBLISHED, **changes: Any) -> TrustRow:
    """4 GiB were said and taken, of live tensors, on a card."""
    plain = TrustRow(
        key=f"{origin}/{name}",
        origin=origin,
        name=name,
        source="someone/things",
        model="a/model",
        card="A card",
        techniques=("LoRA", "bfloat16"),
        counter="allocated",
        low=3 * GIB,
        expected=4 * GIB,
        high=5 * GIB,
        measured=4 * GIB,
    )
    return replace(plain, **changes)


def reading(name: str, predicted_mib: int, measured_mib: int) -> Reading:
    return Reading(name, predicted_mib * MIB, measured_mib * MIB)


def write_spec(folder: Path, plan: Plan, job: str = "train") -> RunSpec:
    folder.mkdir(parents=True, exist_ok=True)
    spec = run_spec(plan, estimate(plan), folder, elsewhere=True, job=job)
    save_spec(spec, folder / layout.SPEC)
    return spec


def said_bytes(spec: RunSpec) -> int:
    return int(dict(spec.predicted)["peak_bytes"])


def finished_run(folder: Path, plan: Plan, *, share: float = 1.0, outcome: str = "done") -> int:
    """A run that took `share` of what was said; the bytes it took."""
    took = round(said_bytes(write_spec(folder, plan)) * share)
    journal = Journal(folder)
    journal.append(Started(1.0, 1, -1, 2, {}, "cpu"))
    journal.append(Memory(2.0, "process", "host", took, took, 1, "loss"))
    journal.append(Step(3.0, 1, 2, 1.0, (1.0).hex(), 1e-4, 1.0, 100, 50.0, 64))
    if outcome:
        measured = {"source": "process", "peak_bytes": took, "predicted_bytes": took, "at": "step 2"}
        journal.append(Finished(4.0, outcome, 2 if outcome == "done" else 1, "", "", measured, "It took."))
    journal.close()
    return took


def proved(**changes: Any) -> Observation:
    """What a proof on a CPU has shown."""
    plain = Observation(
        name="prove-1",
        kind=PROOF,
        what="a model · LoRA · 4 × 512 tokens",
        time=1.0,
        device="cpu A processor",
        plan="0123",
        versions=(),
        source="process",
        states_bytes=600 * MIB,
        grows_bytes=300 * MIB,
        allocator_bytes=50 * MIB,
        context_bytes=400 * MIB,
        later_bytes=0,
        process_bytes=1360 * MIB,
        reserved_bytes=0,
        allocated_bytes=0,
        before_bytes=350 * MIB,
        predicted_by=predicting_version(),
    )
    return replace(plain, **changes)
