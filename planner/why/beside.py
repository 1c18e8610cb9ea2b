"""What a run had that no plan of this version can hold, and how many bytes of the peak it moves.

Where the formula is there although no technique offers it (optimizers, autocast, DoRA, 8-bit weights), the difference is
computed: the plan's own draft, changed in that one thing, against the plan's. For all else only the direction is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from planner.adapters.adapted import adapted
from planner.adapters.dora import Dora
from planner.draft import Draft, Stack
from planner.drafting import device_of
from planner.drafting import draft as draft_of
from planner.facts.data import longest_batch
from planner.facts.gpus import capability_of
from planner.facts.model.families import stacks_of
from planner.ledger import DEVICE, HOST, At, Line
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.registry import technique
from planner.training.optimizers import Optimizer, optimizer_lines
from planner.units import MIB, words
from planner.weights.packing import EightBits

WORTH_SAYING_BYTES = 8 * MIB
LESS, MORE, EITHER = "less", "more", "either"
WAYS = {LESS: "the run needed less than these figures", MORE: "the run needed more than these figures"}


@dataclass(frozen=True)
class Otherwise:
    """Things done in another way than the plan's. autocast: bits of the type that matmuls read, 0 for none."""

    autocast: int = 0
    optimizer: Optimizer | None = None
    dora: bool = False
    eight_bits: bool = False


@dataclass(frozen=True)
class Beside:
    """One setting that is not in the figures. bytes: what it adds to the peak (negative: takes away), None where that
    is not computed."""

    setting: str
    way: str
    why: str
    bytes: int | None = None

    def __str__(self) -> str:
        if self.bytes is not None:
            sign = "less" if self.bytes < 0 else "more"
            moves = f"{words(abs(self.bytes))} {sign} at the peak"
        else:
            moves = WAYS.get(self.way, "which way it moves them is not known")
        return f"{self.setting}: {self.why}; {moves}."


def difference(plan: Plan, otherwise: Otherwise) -> int:
    """Bytes by which the live peak of the computing place moves."""
    now = draft_of(plan)
    place = HOST if now.device == "cpu" else DEVICE
    changed = _changed(plan, otherwise)
    lines = changed.lines
    if now.device == "cpu":
        lines = tuple(x.at(HOST) if x.place is DEVICE else x for x in lines)
    return _peak(lines, place) - _peak(now.lines, place)


def _peak(lines: Iterable[Line], place: Any) -> int:
    totals: dict[At, int] = {}
    for line in lines:
        if line.place == place:
            for at in line.alive:
                totals[at] = totals.get(at, 0) + int(line.bytes)
    return max(totals.values(), default=0)


def _changed(plan: Plan, otherwise: Otherwise) -> Draft:
    """As `planner.drafting.draft`, with some answers done in another way."""
    stage, device = plan.stage, device_of(plan)
    assert device is not None
    draft = Draft(
        plan.model,
        stage.schedule,
        longest_batch(plan.data, stage.schedule),
        device.kind,
        0,
        stacks_of(plan.model),
        capability=capability_of(device.name) if device.kind == "cuda" else 0.0,
    )
    for choice in stage.choices:
        if choice.slot is Slot.OPTIMIZER and otherwise.optimizer is not None:
            draft = draft._replace(lines=draft.lines + optimizer_lines(draft, otherwise.optimizer))
            continue
        draft = technique(choice.slot, choice.technique).apply(choice.options, draft)
        if choice.slot is Slot.WEIGHTS and otherwise.eight_bits:
            draft = draft._replace(stacks=tuple(_in_eight_bits(s) for s in draft.stacks))
        elif choice.slot is Slot.PRECISION and otherwise.autocast:
            wide = draft.stacks[0].tensors[0].bits
            draft = draft._replace(compute_bits=otherwise.autocast, flow_bits=wide, autocast=True)
        elif choice.slot is Slot.TRAINABLE and otherwise.dora:
            draft = draft._replace(stacks=tuple(_with_dora(s, choice.options) for s in draft.stacks))
    return draft


def _in_eight_bits(stack: Stack) -> Stack:
    """Matrices of the blocks as bitsandbytes' LLM.int8() keeps them; head, embeddings and norms as they were."""
    packing = EightBits()
    tensors = tuple(
        replace(x, bits=16, packing=packing) if x.role == "linear" and len(x.shape) == 2 else x for x in stack.tensors
    )
    return replace(stack, tensors=tensors)


def _with_dora(stack: Stack, options: Any) -> Stack:
    """The stack's LoRA made DoRA's, on the same matmuls."""
    targets = tuple(s.weight for s in stack.sites if s.adapter is not None)
    plain = replace(
        stack,
        tensors=tuple(x for x in stack.tensors if x.role != "adapter"),
        sites=tuple(replace(s, adapter=None) for s in stack.sites),
    )
    bits = next((x.bits for x in stack.tensors if x.role == "adapter"), 32)
    return adapted(plain, Dora(options.rank, bits, options.dropout), targets)
