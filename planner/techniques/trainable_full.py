"""Full fine-tuning: every weight has a gradient and optimizer states."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.draft import Draft, Stack
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart


class TrainableFull:
    slot = Slot.TRAINABLE
    name = "full"
    label = "all weights"
    summary = "Every weight is trained: the most freedom, and a gradient and two optimizer states for each."
    reference = "https://huggingface.co/docs/trl/sft_trainer"
    twin = ""
    Options = NoOptions
    cost = Cost(time=0.9, source="measured with the embedded model on a CPU, beside LoRA with a float32 adapter")

    def learns(self, options: NoOptions) -> str:
        return "all_weights"

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        weights = plan.stage.choice(Slot.WEIGHTS)
        if weights is None or getattr(weights.options, "packing", None) is None:
            return []
        fact = "Quantised weights cannot be trained themselves: a code has no gradient."
        return [
            Problem("trainable.quantised", fact, "Train an adapter beside them (LoRA), or choose bfloat16 weights.")
        ]

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return draft._replace(stacks=tuple(_all_trained(stack) for stack in draft.stacks))

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart()


@lru_cache(maxsize=512)
def _all_trained(stack: Stack) -> Stack:
    return replace(
        stack,
        tensors=tuple(t if t.role == "buffer" else replace(t, trained=True) for t in stack.tensors),
    )
