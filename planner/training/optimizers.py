"""Optimizers by what they keep and what an update works with: bytes for each trained tensor, and the lines of them.

An optimizer is a frozen description; which library runs it shows only in what it allocates. Scores nothing, knows no
model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from planner.draft import Draft, Stack, Tensor
from planner.ledger import DEVICE, HOST, Kind, Line, Why
from planner.slots import Slot
from planner.stored import stored
from planner.timeline import stretches

SMALLEST_IN_8_BIT = 4096  # bitsandbytes keeps states of smaller tensors in float32
STATE_BLOCK = 256  # elements that share one float32 scale of an 8-bit state
CODE_BYTES = 2 * 256 * 4  # the two tables of 8-bit codes, one set for all tensors of a device


@dataclass(frozen=True)
class Optimizer:
    """What is kept for each trained element and how an update runs.

    moments: running means of each element (AdamW two, Lion or SGD with momentum one, SGD none). state_bits: of each; 0
    as the parameter's own. implementation: fused works in place, foreach on copies of all tensors, for_loop on copies of
    one, bitsandbytes in place, deepspeed on flat float32 copies. in_backward: each parameter is updated as soon as its
    gradient is there. paged: states lie in memory that the driver moves, outside torch's counters. master_bits: of a
    copy of each trained weight, 0 for none. lists: foreach's copies of all second moments at once, two before torch 2.1.
    rank: gradients are projected to this rank first (GaLore), 0 for none;
    projection_bits: of what projects them. factored: second moments are kept as one row and one column (Adafactor).
    """

    moments: int = 2
    state_bits: int = 0
    implementation: str = "fused"
    in_backward: bool = False
    paged: bool = False
    master_bits: int = 0
    rank: int = 0
    projection_bits: int = 16
    factored: bool = False
    lists: int = 1

    def state_bytes(self, tensor: Tensor) -> int:
        """Of the states of one trained tensor."""
        shape = (tensor.shape[0], _elements(tensor) // tensor.shape[0])
        if self.factored:
            return 4 * (sum(shape) if len(tensor.shape) > 1 else shape[0] * shape[1])
        elements, projection = shape[0] * shape[1], 0
        if self.rank and tensor.role == "linear" and min(shape) > self.rank:
            elements, projection = self.rank * max(shape), self.rank * min(shape) * self.projection_bits // 8
        bits = self.state_bits or tensor.bits
        each = elements * bits // 8
        if bits == 8:
            small = elements < SMALLEST_IN_8_BIT
            each = 4 * elements if small else elements + 4 * -(-elements // STATE_BLOCK)
        return self.moments * each + projection + _elements(tensor) * self.master_bits // 8


@dataclass(frozen=True, slots=True)
class Kept:
    """Sums over all trained tensors. work: what an update makes beside them; parts, as (bytes, how), largest last."""

    states: int
    elements: int
    tensors: int
    work: int


def optimizer_lines(draft: Draft, optimizer: Optimizer) -> tuple[Line, ...]:
    """States from the first update on, and what an update works with."""
    return _lines(draft.stacks, draft.stage, optimizer)


@lru_cache(maxsize=1024)
def _lines(stacks: tuple[Stack, ...], stage: int, optimizer: Optimizer) -> tuple[Line, ...]:
    when, kept = stretches(stage), _kept(stacks, optimizer)
    alive = when.states if not optimizer.master_bits else when.always
    lines = [
        Line(
            "Optimizer states",
            Kind.STATES,
            HOST if optimizer.paged else DEVICE,
            kept.states,
            alive,
            Slot.OPTIMIZER,
            Why(
                "{m} running means for {n} trained elements in {t} tensors"
                + (f", and a copy of each weight in {optimizer.master_bits} bits" if optimizer.master_bits else "")
                + (". In memory that the driver moves to and from the card." if optimizer.paged else "."),
                (("m", optimizer.moments), ("n", kept.elements), ("t", kept.tensors)),
            ),
        )
    ]
    if kept.work:
        moments = when.layer_last | when.layer_first | when.backward_end if optimizer.in_backward else when.update
        lines.append(
            Line(
                "Update workspace",
                Kind.WORKSPACE,
                DEVICE,
                kept.work,
                moments,
                Slot.OPTIMIZER,
                Why(HOW[optimizer.implementation], (("n", kept.work),)),
            )
        )
    return tuple(x for x in lines if x.bytes)


HOW = {
    "foreach": "All tensors at once: copies as large as all their running means, {n} bytes.",
    "for_loop": "Tensor by tensor: {n} bytes for the largest.",
    "fused": "Each tensor's own copy: {n} bytes.",
    "bitsandbytes": "One tensor at a time: {n} bytes.",
    "deepspeed": "The gradients in one piece, and their float32 copy, {n} bytes.",
}


def trained(stacks: tuple[Stack, ...]) -> Iterator[Tensor]:
    """Every trained tensor that has a storage of its own, with how often it occurs."""
    for stack in stacks:
        yield from (x for x in stack.tensors if x.trained and not x.tied)


def _kept(stacks: tuple[Stack, ...], optimizer: Optimizer) -> Kept:
    tensors = list(trained(stacks))
    count = sum(x.count for x in tensors)
    states = sum(x.count * optimizer.state_bytes(x) for x in tensors)
    if optimizer.moments:
        states += CODE_BYTES if optimizer.state_bits == 8 else 4 * count  # a step count of each tensor
    return Kept(states, sum(x.elements for x in tensors), count, _work(stacks, tensors, optimizer))


def _work(stacks: tuple[Stack, ...], tensors: list[Tensor], optimizer: Optimizer) -> int:
    """What an update makes: foreach the square roots of all second moments, for_loop those of one tensor."""
    implementation = optimizer.implementation

    def of(tensor: Tensor) -> int:
        return _elements(tensor) * (optimizer.state_bits or tensor.bits) // 8

    if not optimizer.moments or not tensors:
        return 0
    if optimizer.master_bits:  # gradients as wide as the copies that they update
        return sum(x.elements for x in tensors) * optimizer.master_bits // 8
    if optimizer.rank:  # one projected back to its own size
        return max(_elements(x) * x.bits // 8 for x in tensors)
    if optimizer.in_backward:
        return max(of(x) for x in tensors) if implementation in ("foreach", "for_loop") else 0
    if implementation == "foreach":  # tensors of one type at a time
        by_bits: dict[int, int] = {}
        for x in tensors:
            by_bits[x.bits] = by_bits.get(x.bits, 0) + x.count * of(x)
        return optimizer.lists * max(by_bits.values())
    if implementation == "for_loop":
        return max(_one_by_one(stored(stack).in_turn) for stack in stacks)
    return 0


def _one_by_one(sizes: tuple[int, ...]) -> int:
    """_single_tensor_adam: the square root and the denominator of one tensor, and the denominator of the one before."""
    return max((2 * size + before for before, size in zip((0, *sizes), sizes, strict=False)), default=0)


def _elements(tensor: Tensor) -> int:
    return tensor.elements // tensor.count
