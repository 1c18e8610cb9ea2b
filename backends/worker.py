"""The worker: `python -P -m backends.worker RUNDIR` takes a run's lock, reads its spec, does its job, writes its journal.

It talks through files only, so no window, pipe or terminal can end it. Whatever goes wrong becomes the journal's last
word, `Failed(Problem)`; the traceback goes to standard error, which the starter sent to worker.log. Exit codes: 0 the
job is done (or stopped, or released as asked), 1 it failed and the journal says why, 2 the run could not be taken up
or the journal could not be written.
"""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from pathlib import Path
from typing import Any

from backends.failure import first_line, is_out_of_memory, to_problem
from backends.meter import Meter
from backends.out_of_memory import OTHERWISE, out_of_memory
from backends.report import Report
from backends.room import room
from planner.problem import Problem, ProblemError, fail
from planner.run import awake, inbox, layout
from planner.run.events import Finished
from planner.run.lock import Lock
from planner.run.shortage import CODE


def main(arguments: list[str]) -> int:
    """Run the job of one folder and return the exit code."""
    if len(arguments) != 1:
        print("usage: python -P -m backends.worker RUNDIR", file=sys.stderr)
        return 2
    run_dir = Path(arguments[0]).absolute()
    left_over = inbox.waiting(run_dir)  # before the lock: whoever sees it held may send wishes to this worker
    try:
        lock = Lock(run_dir)  # before torch is imported: the starter waits for it
        report = Report(run_dir)
    except (ProblemError, OSError) as error:
        print(f"The run cannot be taken up: {error}", file=sys.stderr)
        return 2
    inbox.forget(run_dir, left_over)
    awake.in_this_process()
    with contextlib.suppress(OSError):
        _, limit, whose = room()
        lock.tell(limit_bytes=limit, limit=whose)
    meter = Meter(report)
    spec: Any = None
    try:
        spec = _spec(run_dir)
        ending = _do(spec, report, meter)
        meter.stop()  # nothing is written after the last word
        report.finished(ending)
        code = 0
    except BaseException as error:
        traceback.print_exc()
        code = _last_word(error, spec, report, meter)
    report.close()
    lock.release()
    return code


def _spec(run_dir: Path) -> Any:
    """The spec in RUNDIR: a RunSpec, or one of `planner.run.jobs`."""
    from planner.plan_file import spec_from_json
    from planner.run import jobs

    path = run_dir / layout.SPEC
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise fail("spec.damaged", f"{str(path)!r} cannot be read: {error}.", "Start the run again.") from error
    name = raw.get("job") if isinstance(raw, dict) else None
    return jobs.job_from_json(raw) if name in jobs.JOBS else spec_from_json(raw)


def _do(spec: Any, report: Report, meter: Meter) -> Finished:
    match spec.job:
        case "train":
            from backends.jobs import train

            return train.run(spec, report, meter)
        case "prove":
            from backends.jobs import prove

            return prove.run(spec, report, meter)
        case "dry_run":
            from backends.jobs import dry_run

            return dry_run.run(spec, report, meter)
        case "scan":
            from backends.jobs import scan

            return scan.run(spec, report, meter)
        case "first_batch":
            from backends.jobs import first_batch

            return first_batch.run(spec, report, meter)
        case "convert":
            from backends.jobs import convert

            return convert.run(spec, report, meter)
        case "download":
            from backends.jobs import download

            return download.run(spec, report)
        case _:
            raise fail("spec.unknown_job", f"This version knows no job {spec.job!r}.", "Update the program.")


def _last_word(error: BaseException, spec: Any, report: Report, meter: Meter) -> int:
    """Write `Failed`; returns the exit code."""
    meter.stop()
    problem = to_problem(error, str(report.run_dir))
    details: dict[str, Any] = {}
    if is_out_of_memory(error):
        try:
            problem, details = out_of_memory(error, spec, report, meter)
        except (
            Exception
        ):  # memory may still be short, or a process vanish while it is looked at: there is always a word
            traceback.print_exc()
            problem = Problem(CODE, f"Memory ran out: {first_line(error)}", OTHERWISE)
    try:
        report.failed(problem, details)
    except OSError as full:
        print(f"The journal could not be written ({full}). The problem was: {problem}", file=sys.stderr)
        return 2
    return 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
