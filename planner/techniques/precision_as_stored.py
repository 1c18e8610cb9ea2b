"""Compute in the type the weights are stored in: no autocast, no second copy of anything."""

from __future__ import annotations

from typing import Any

from planner.draft import Draft
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart


class PrecisionAsStored:
    slot = Slot.PRECISION
    name = "as_stored"
    label = "as stored"
    summary = "Computes in the type the weights are stored in."
    reference = "https://docs.pytorch.org/docs/stable/amp.html"
    twin = ""
    Options = NoOptions

    def problems(self, plan: Plan, options: Any) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return draft._replace(compute_bits=draft.stacks[0].tensors[0].bits)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(arguments=(("bf16", False), ("fp16", False)))
