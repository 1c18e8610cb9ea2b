"""A model on a device, loaded and not yet used: its weights, and what its kernels and its way of being stored add."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from planner.draft import Stack
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.slots import Slot
from planner.stored import stored
from planner.weights.packing import EightBits, FourBits, Gptq
from planner.weights.unused_rests import unused_line

LOADED = At(0, "load", "weights")


def _line(what: str, kind: Kind, size: int, alive: frozenset[At], why: str, *numbers: tuple[str, Any]) -> Line:
    return Line(what, kind, DEVICE, size, alive, Slot.WEIGHTS, Why(why, numbers))


@lru_cache(maxsize=1024)
def weight_lines(stacks: tuple[Stack, ...], device: str, alive: frozenset[At]) -> tuple[Line, ...]:
    """The weights, and what their blocks on a card have beyond them."""
    weights = sum(stored(stack).weight_bytes for stack in stacks)
    adapters = sum(stored(stack).adapter_bytes for stack in stacks)
    packed = [(x.packing, x.shape) for stack in stacks for x in stack.tensors if x.packing is not None]
    largest = max((p.buffer_bytes(shape) for p, shape in packed if isinstance(p, Gptq)), default=0)
    quantised = max((p.loading_bytes(shape) for p, shape in packed if isinstance(p, (FourBits, EightBits))), default=0)
    n = sum(stored(stack).weight_elements for stack in stacks)
    return (
        _line("Weights", Kind.WEIGHTS, weights, alive, "{n} elements, each as it is stored.", ("n", n)),
        _line("Adapter", Kind.ADAPTER, adapters, alive, "What is beside the frozen weights."),
        unused_line(stacks, device, alive),
        _line(
            "A matrix being quantised",
            Kind.WORKSPACE,
            quantised,
            alive & {LOADED},
            "Matrices are quantised on the device: the largest is there as it was read, and in 16 bits.",
        ),
        _line(
            "Room for one unpacked matrix",
            Kind.WORKSPACE,
            largest,
            alive,
            "The kernels for 4-bit matrices keep a 16-bit buffer of the largest one, {n} bytes.",
            ("n", largest),
        ),
    )
