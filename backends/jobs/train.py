"""The training job: what can be known before a library is loaded, then the fine-tune itself.

A missing model, a changed file or a broken row is told within half a second, and so is the step a run goes on from;
torch and its friends take seconds to import and come only afterwards.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends import checkpoint
from backends.meter import Meter
from backends.report import Report
from planner.estimate import device_of
from planner.facts.formats.open_rows import size_and_digest
from planner.facts.model.folder import read_folder
from planner.facts.order import total_steps
from planner.facts.read_data import rows
from planner.facts.rows import COLUMNS
from planner.facts.split import n_trained_on
from planner.plan import Plan
from planner.problem import fail
from planner.run import events
from planner.run.spec import RunSpec

SHAPES = (
    "architecture",
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "n_layers",
    "n_heads",
    "n_kv_heads",
    "params",
)


def run(spec: RunSpec, report: Report, meter: Meter) -> events.Finished:
    """Train, or go on training from the last checkpoint. Raises; the worker makes a Problem of it."""
    plan = spec.plan
    resume_from = checkpoint.latest(report.run_dir)
    device = device_of(plan)
    report.started(
        resumed_from=checkpoint.manifest(resume_from)["step"] if resume_from else -1,
        total_steps=total_steps(n_trained_on(plan.data.rows, plan.stage.schedule), plan.stage.schedule),
        libraries=[name for name, _ in spec.versions],
        device=device.id if device else "",
    )
    meter.start()
    if len(plan.stages) != 1:
        raise fail("plan.many_stages", "This version trains plans of one stage.", "Split the plan into several runs.")
    report.phase("check", plan.model.name)
    check_model(plan, report)
    data = rows_of_file(plan, report)
    report.phase("load", "libraries")
    from backends.trainers.fine_tune import fine_tune

    meter.tell()  # what the process holds before the model, which calibration compares
    return fine_tune(spec, data, resume_from, report, meter)


def check_model(plan: Plan, report: Report) -> None:
    """That the folder still holds the planned model; one of the same shapes with other weights cannot be told apart."""
    planned, found = plan.model, read_folder(plan.model.path)
    if other := [name for name in SHAPES if getattr(planned, name) != getattr(found, name)]:
        was, now = (", ".join(f"{name} {getattr(facts, name)}" for name in other) for facts in (planned, found))
        raise fail(
            "model.changed",
            f"{planned.path!r} holds another model than the run was planned with: {now}; planned was {was}.",
            "Put the planned model back, or make a new plan with the one that is there.",
        )
    if planned.tokenizer != found.tokenizer:
        report.note("The model's tokenizer or chat template has changed since the run was planned.", "warning")


def rows_of_file(plan: Plan, report: Report) -> list[dict[str, Any]]:
    """The rows of the plan's file as they are trained on."""
    columns = COLUMNS[plan.data.form]
    found = list(rows(plan.data.path, plan.data.mapping))
    if len(found) != plan.data.rows or any(tuple(row) != columns for row in found):
        raise fail(
            "data.changed",
            f"{plan.data.name} had {plan.data.rows:,} rows when the run was planned, now it has {len(found):,}"
            f" or rows of another form.",
            "Open the plan again, so that it is planned with the file as it is now.",
        )
    if size_and_digest(Path(plan.data.path))[1] != plan.data.sha256:
        report.note("The data file has changed since the run was planned.", "warning")
    return found
