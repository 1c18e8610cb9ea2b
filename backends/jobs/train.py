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
from planner.facts.model.folder import read_folder
from planner.facts.order import total_steps
from planner.facts.read_data import rows
from planner.facts.rows import MESSAGES
from planner.plan import Plan
from planner.problem import fail
from planner.run import events
from planner.run.spec import RunSpec


def run(spec: RunSpec, report: Report, meter: Meter) -> events.Finished:
    """Train, or go on training from the last checkpoint. Raises; the worker makes a Problem of it."""
    plan = spec.plan
    resume_from = checkpoint.latest(report.run_dir)
    device = device_of(plan)
    report.started(
        resumed_from=checkpoint.manifest(resume_from)["step"] if resume_from else -1,
        total_steps=total_steps(plan.data.rows, plan.stage.schedule),
        libraries=[name for name, _ in spec.versions],
        device=device.id if device else "",
    )
    meter.start()
    if len(plan.stages) != 1:
        raise fail("plan.many_stages", "This version trains plans of one stage.", "Split the plan into several runs.")
    report.phase("check", plan.model.name)
    read_folder(plan.model.path)
    data = _rows(plan, report)
    report.phase("load", "libraries")
    from backends.trainers.fine_tune import fine_tune

    return fine_tune(spec, data, resume_from, report, meter)


def _rows(plan: Plan, report: Report) -> list[dict[str, Any]]:
    """The rows of the plan's file; only the columns that are trained on."""
    columns = ("messages",) if plan.data.form == MESSAGES else ("prompt", "completion")
    found = [{c: row[c] for c in columns if c in row} for row in rows(plan.data.path)]
    if len(found) != plan.data.rows or any(len(row) != len(columns) for row in found):
        raise fail(
            "data.changed",
            f"{plan.data.name} had {plan.data.rows:,} rows when the run was planned, now it has {len(found):,}"
            f" or rows of another form.",
            "Open the plan again, so that it is planned with the file as it is now.",
        )
    if Path(plan.data.path).stat().st_size != plan.data.size_bytes:
        report.note("The data file has changed since the run was planned.", "warning")
    return found
