"""Supervised fine-tuning: load, a sample answer, steps of forward, loss, backward and update, save, and an evaluation between steps.

Its lines are those of any training step; the loss and the optimizer write their own.
"""

from __future__ import annotations

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart
from planner.training.evaluation import between_steps
from planner.training.step_lines import fine_tune_lines


class ObjectiveFineTune:
    slot = Slot.OBJECTIVE
    name = "fine_tune"
    label = "fine-tune"
    summary = "Learns to continue the rows of the data set."
    reference = "https://huggingface.co/docs/trl/sft_trainer"
    twin = ""
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        lines = draft.lines + fine_tune_lines(draft) + between_steps(draft)
        return draft._replace(timeline=draft.when.timeline, lines=lines)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart()
