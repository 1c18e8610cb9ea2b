"""A plan whose rows were never counted is counted before it is run: what is said before a run is of the batch that will come.

The count is kept, so it is made once for a file and a tokenizer.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

from app import counted
from app.cli import output
from app.cli.followed import followed
from planner.plan import Plan
from planner.problem import ProblemError
from planner.run import lock
from planner.run.folders import new_work_dir
from planner.run.jobs import ScanSpec, write_job
from planner.run.start import missing_train_extra, start


def counted_first(plan: Plan) -> Plan:
    """The plan with counted lengths. Raises ProblemError `data.*`, `worker.*`."""
    if not counted.wanted(plan):
        return plan
    if problem := missing_train_extra():
        raise ProblemError(problem)
    output.remark(f"Counting the tokens of {plan.data.name} …")
    folder = new_work_dir("count")
    try:
        write_job(folder, ScanSpec(model=plan.model.path, data=plan.data.path, mapping=plan.data.mapping))
        start(folder)
        word = followed(folder, lambda _phase: None, "Asked the count to stop.")
    finally:
        if not lock.is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)
    output.remark(word.sentence)
    found = counted.with_count(plan)
    return plan if found is None else replace(plan, data=found)
