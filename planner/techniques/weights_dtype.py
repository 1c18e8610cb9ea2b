"""What the techniques that choose how weights are stored share. Not a technique itself."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.draft import Draft, Stack
from planner.facts.machine import Device
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot

OWN_MEMORY = (
    "# Loaded weights are pages of the file until they are copied: a file replaced during the run would end it.",
    "for parameter in model.parameters():",
    "    parameter.data = parameter.data.clone()",
)


def computing_device(plan: Plan) -> Device | None:
    """The device that the placement names, None where it names none that is there."""
    choice = plan.stage.choice(Slot.PLACEMENT)
    return plan.machine.device(getattr(choice.options, "device", "")) if choice else None


def no_bf16(plan: Plan) -> list[Problem]:
    """That the plan's device has no bfloat16; empty where it has."""
    device = computing_device(plan)
    if device is None or device.supports_bf16:
        return []
    fact = f"{device.name} cannot compute in bfloat16."
    return [Problem("weights.no_bf16", fact, "Choose float32 weights, or another device.")]


def store(draft: Draft, bits: int) -> Draft:
    """The draft with every weight stored in `bits`; buffers stay float32."""
    return draft._replace(stacks=tuple(_stored(stack, bits) for stack in draft.stacks))


@lru_cache(maxsize=512)
def _stored(stack: Stack, bits: int) -> Stack:
    return replace(
        stack,
        tensors=tuple(t if t.role == "buffer" or t.bits == bits else replace(t, bits=bits) for t in stack.tensors),
    )
