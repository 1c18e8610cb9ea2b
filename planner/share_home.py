"""What of a shared plan is on this computer as well: the model and the rows that come with the program. Nothing else is looked for."""

from __future__ import annotations

from dataclasses import replace

from planner.calibration.fingerprint import NOT_SHAPES
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.presets import EMBEDDED, embedded_model, sample_data
from planner.problem import ProblemError
from planner.share_stripped import sample_sha256


def at_home(plan: Plan) -> Plan:
    """The plan with the program's own model and rows where it is of these, so that it can be run; with the same figures."""
    try:
        if plan.model.source == EMBEDDED and _same_shapes(embedded_model(), plan.model):
            plan = replace(plan, model=embedded_model())
        if plan.data.sha256 == sample_sha256():
            here = sample_data(plan.model)
            if (here.lengths, here.sha256) == (plan.data.lengths, plan.data.sha256):
                plan = replace(plan, data=here)
    except ProblemError:  # the model's folder is damaged: the plan is as it came
        pass
    return plan


def _same_shapes(a: ModelFacts, b: ModelFacts) -> bool:
    kept = [name for name in ModelFacts.__dataclass_fields__ if name not in NOT_SHAPES]
    return all(getattr(a, name) == getattr(b, name) for name in kept)
