"""Merging LoRA into the weights it hangs on: one matrix at a time, as PEFT's merge_and_unload does it.

peft/tuners/lora/layer.py, Linear.merge and get_delta_weight; lora/bnb.py, Linear4bit.merge (0.21). DoRA and other kinds
do more and are not described here.
"""

from __future__ import annotations

from planner.adapters.lora import Lora
from planner.draft import Stack, Tensor
from planner.ledger import DEVICE, HOST, At, Kind, Line, Why
from planner.slots import Slot
from planner.weights.loaded import weight_lines

MERGING = At(0, "merge", "one_matrix")


def merging_lines(stacks: tuple[Stack, ...], device: str) -> tuple[Line, ...]:
    """The loaded model with its adapter, and what merging the largest matrix takes. ValueError: not LoRA."""
    alive = frozenset((MERGING,))
    sizes = [_one(tensor, adapter) for tensor, adapter in _merged(stacks)]
    beside, on_host = (max(part, default=0) for part in zip(*sizes, strict=True)) if sizes else (0, 0)
    why = Why(
        "The product of both low-rank matrices and its multiple, each of the full size; a packed matrix is unpacked "
        "beside them, and packed again: {n} bytes for the largest.",
        (("n", beside),),
    )
    sent = Why("A packed matrix goes through the computer's memory to be packed again.")
    lines = (
        *weight_lines(stacks, device, alive),
        Line("One matrix being merged", Kind.WORKSPACE, DEVICE, beside, alive, Slot.TRAINABLE, why),
        Line("One matrix being merged", Kind.WORKSPACE, HOST, on_host, alive, Slot.TRAINABLE, sent),
    )
    return tuple(x for x in lines if x.bytes)


def _merged(stacks: tuple[Stack, ...]) -> list[tuple[Tensor, Lora]]:
    found = []
    for stack in stacks:
        by_name = {x.name: x for x in stack.tensors}
        for site in stack.sites:
            if site.adapter is None:
                continue
            if not isinstance(site.adapter, Lora):
                raise ValueError(f"merging is described for LoRA, not for {type(site.adapter).__name__}")
            found.append((by_name[site.weight], site.adapter))
    return found


def _one(tensor: Tensor, adapter: Lora) -> tuple[int, int]:
    """Bytes beside the model on its device and in the computer's memory while this matrix is merged."""
    elements, delta = tensor.elements // tensor.count, adapter.bits // 8
    if tensor.packing is None:
        return 2 * delta * elements, 0
    unpacked, wide = tensor.bits // 8, max(tensor.bits, adapter.bits) // 8
    # unpacked, delta, sum, the sum again when it has come back, and its codes
    return elements * (unpacked + delta + 2 * wide) + tensor.packing.bytes_of(tensor.shape), wide * elements
