"""The twelve plans: two models, and between them each way of training that changes what a card holds.

Names, choices and schedules only; how large a batch and a model are is settled by `setting`, from the device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from planner.plan import Choice
from planner.slots import Slot
from planner.techniques import registry

EXAMPLE, RANDOM = "example", "random"


@dataclass(frozen=True)
class Case:
    """One plan. model: the embedded example, or random weights in a real architecture, as large as suits the device."""

    name: str
    model: str
    choices: tuple[Choice, ...]
    accumulation: int = 1


def choose(slot: Slot, name: str, **options: Any) -> Choice:
    choice = registry.default_choice(slot, name)
    return replace(choice, options=replace(choice.options, **options))


FP32, NF4 = choose(Slot.WEIGHTS, "fp32"), choose(Slot.WEIGHTS, "nf4")
FULL = choose(Slot.TRAINABLE, "full")
REMADE = choose(Slot.ACTIVATION, "checkpointing")
EAGER = choose(Slot.ATTENTION, "eager")
TILES = choose(Slot.LOSS, "fused_tiles")
FOREACH = choose(Slot.OPTIMIZER, "adamw", implementation="foreach")

CASES = (
    Case("lora", EXAMPLE, ()),
    Case("lora, checkpointing", EXAMPLE, (REMADE,)),
    Case("lora, eager attention", EXAMPLE, (EAGER,)),
    Case("lora, loss in tiles", EXAMPLE, (TILES,)),
    Case("lora, 4 micro-batches a step", EXAMPLE, (), accumulation=4),
    Case("lora on 4 bits", EXAMPLE, (NF4,)),
    Case("full", EXAMPLE, (FULL,)),
    Case("full, foreach", EXAMPLE, (FULL, FOREACH)),
    Case("full, float32, checkpointing, tiles", EXAMPLE, (FULL, FP32, REMADE, TILES)),
    Case("random, lora, checkpointing", RANDOM, (REMADE,)),
    Case("random, lora on 4 bits, checkpointing, tiles", RANDOM, (NF4, REMADE, TILES)),
    Case("random, full, checkpointing", RANDOM, (FULL, REMADE)),
)
