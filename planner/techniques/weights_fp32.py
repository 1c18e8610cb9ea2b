"""Weights in float32: four bytes an element, the most exact, twice as large as bfloat16."""

from __future__ import annotations

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart
from planner.techniques.weights_dtype import OWN_MEMORY, store


class WeightsFp32:
    slot = Slot.WEIGHTS
    name = "fp32"
    label = "float32"
    short = "fp32 base"
    summary = "Four bytes an element. The most exact, twice as large."
    reference = "https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype"
    twin = "weights_fp32"
    Options = NoOptions
    cost = Cost(
        time=2.2,
        source="measured with the embedded model on a CPU with instructions for bfloat16 (AMX), all weights trained",
    )

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return store(draft, 32)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(load=(("dtype", "torch.float32"),), wrap=OWN_MEMORY)
