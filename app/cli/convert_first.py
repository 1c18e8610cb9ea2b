"""A plan of a GGUF file that is to be run: its file is converted first, which is told with its size, and then taken."""

from __future__ import annotations

from pathlib import Path

from app import converting
from app.cli import output
from app.cli.get_example import Progress
from planner.models_here import read_model
from planner.plan import Plan
from planner.plan_set import with_model
from planner.problem import ProblemError
from planner.run.start import missing_train_extra


def converted_first(plan: Plan) -> Plan:
    """The plan with the folder in its file's place. Raises ProblemError `gguf.*`, `worker.*`, `disk.full`."""
    if not plan.model.gguf or plan.model.path:
        return plan
    if problem := missing_train_extra():
        raise ProblemError(problem)
    progress = Progress()
    asked = converting.conversion_of(Path(plan.model.gguf), progress)
    if not asked.done:
        output.remark(asked.sentence)
    return with_model(plan, read_model(converting.convert(asked, progress), name=plan.model.name))
