"""Gradient checkpointing: only each block's input is kept; its inside is made again when backward reaches it."""

from __future__ import annotations

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart


class ActivationCheckpointing:
    slot = Slot.ACTIVATION
    name = "checkpointing"
    label = "layer inputs (gradient checkpointing)"
    short = "checkpointing"
    summary = "Keeps only each block's input and makes the rest again: about a third more time, far less memory."
    reference = "https://arxiv.org/abs/1604.06174"
    twin = ""
    Options = NoOptions
    cost = Cost(
        time=1.2,
        source="one more forward pass, at most a third more (arXiv:1604.06174); measured with the embedded model on a CPU: 1.1 to 1.2",
    )

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return draft._replace(recompute=True)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(
            arguments=(("gradient_checkpointing", True), ("gradient_checkpointing_kwargs", {"use_reentrant": False}))
        )
