"""Keep everything the backward pass needs: the fastest, and the most memory per token."""

from __future__ import annotations

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart


class ActivationKeepAll:
    slot = Slot.ACTIVATION
    name = "keep_all"
    label = "everything"
    short = "no checkpointing"
    summary = "Keeps all that backward needs: no second forward pass."
    reference = "https://docs.pytorch.org/docs/stable/notes/autograd.html#saved-tensors"
    twin = ""
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return draft._replace(recompute=False)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(arguments=(("gradient_checkpointing", False),))
