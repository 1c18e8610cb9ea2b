"""Weights in bfloat16: two bytes an element, the exponent range of float32. What most checkpoints are stored in."""

from __future__ import annotations

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart
from planner.techniques.weights_dtype import OWN_MEMORY, no_bf16, store


class WeightsBf16:
    slot = Slot.WEIGHTS
    name = "bf16"
    label = "bfloat16"
    short = "bf16 base"
    summary = "Two bytes an element. What most models are stored in."
    reference = "https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype"
    twin = "weights_bf16"
    Options = NoOptions
    cost = Cost(loses="digits: two to three are kept of each weight instead of seven", severity=1)

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return no_bf16(plan)

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return store(draft, 16)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(load=(("dtype", "torch.bfloat16"),), wrap=OWN_MEMORY)
