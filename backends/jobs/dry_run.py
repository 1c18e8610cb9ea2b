"""The dry run as a job: the plan's steps traced without contents, weights or card, and RUNDIR/dry_run.json.

It needs no model folder and no rows. Stopped before its end it writes nothing.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace

from backends.control import Control
from backends.few_steps import STEPS, StoppedError
from backends.meter import Meter
from backends.report import Report
from planner.estimate import device_of, estimate
from planner.problem import ProblemError
from planner.run import events
from planner.run.results import DRY_RUN, DryRun, save
from planner.run.spec import RunSpec
from planner.units import words

TELL_EVERY_S = 0.3


def run(spec: RunSpec, report: Report, meter: Meter) -> events.Finished:
    """Raises ProblemError of plans with problems and of models that cannot be built."""
    plan, device = spec.plan, device_of(spec.plan)
    report.started(total_steps=STEPS, libraries=[name for name, _ in spec.versions], device=device.id if device else "")
    meter.start()
    if problems := estimate(plan).problems:
        raise ProblemError(problems[0])
    report.phase("load", "libraries")
    import torch  # only now: it takes seconds, and what is wrong with the plan is told at once

    from backends.dry_run.picture import dry_run

    torch.set_num_threads(1)  # nothing is computed
    control = Control(report, lambda: meter.process.last, lambda _say: report.note("A dry run answers no questions."))
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: control.ask_to_release())
    told = 0.0

    def tell(phase: str, detail: str) -> bool:
        nonlocal told
        if time.monotonic() - told > TELL_EVERY_S or phase != report.phase_name:
            told = time.monotonic()
            report.phase(phase, detail)
            control.look()
        return not control.ending

    report.phase("trace", plan.model.name)
    try:
        result = dry_run(plan, tell, report.run_dir)
    except StoppedError:
        return report.ending("", "", "The dry run was stopped; nothing was found out.", outcome="stopped")
    meter.stop()
    result = replace(result, memory_bytes=meter.process.peak)
    path = report.run_dir / DRY_RUN
    save(result, path)
    return report.ending(str(path), "", sentence(result))


def sentence(result: DryRun) -> str:
    """What came of it, in a line."""
    if result.untraceable:
        return result.untraceable
    text = f"Traced: {words(result.live_bytes)} in {result.phase}, {result.moment}."
    if result.smallest_bytes:
        text += (
            f" A card's allocator keeps {words(result.reserved_bytes)}, and works with {words(result.smallest_bytes)}."
        )
    return text
