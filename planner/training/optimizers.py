"""Optimizers by what they keep and what an update works with: bytes for each trained tensor, and the lines of them.

An optimizer is a frozen description; which library runs it shows only in what it allocates. Scores nothing, knows no
model. Sources: torch/optim/adamw.py, sgd.py, _adafactor.py (2.13); transformers/optimization.py, Adafactor (5.23);
bitsandbytes/optim/optimizer.py (0.50); lomo_optim/lomo.py (0.1.1); galore_torch/adamw.py (1.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from planner.draft import Draft, Stack, Tensor
from planner.ledger import DEVICE, DISK, HOST, Kind, Line, Why
from planner.slots import Slot
from planner.stored import CHECKPOINTS_AT_ONCE, stored
from planner.timeline import Stretches

SMALLEST_IN_8_BIT = 4096  # bitsandbytes keeps states of smaller tensors in float32
STATE_BLOCK = 256  # elements that share one float32 scale of an 8-bit state
CODE_BYTES = 256 * 4  # the table of 8-bit codes of one running mean, one for all tensors of a device
WIDENED = ("embedding", "positions")  # modules that are an nn.Embedding


class Optimizer(NamedTuple):
    """What is kept for each trained element and how an update runs.

    moments: running means of each element (AdamW two, Lion or SGD with momentum one, SGD and LOMO none). state_bits: of
    each; 0 as the parameter's own. factored: the second moment is kept as one row and one column, of matrices, and is
    not counted in `moments` (Adafactor). steps: each tensor has a number of 4 bytes, a step count
    (torch's Adams and Adafactor) or a root mean square (transformers' Adafactor).
    implementation: fused works in place, foreach on copies of all tensors, for_loop on copies of one, bitsandbytes in
    place, widened on float32 copies of one (transformers' Adafactor, LOMO), deepspeed on flat float32 copies.
    in_backward: each parameter is updated as soon as its gradient is there. paged: states lie in memory that the driver
    moves, outside torch's counters. wide_embeddings: 8-bit states are in 32 bits for every nn.Embedding (transformers'
    Trainer registers that with bitsandbytes' GlobalOptimManager; trainer.py, create_optimizer). master_bits: of a copy
    of each trained weight, 0 for none.
    rank: gradients are projected to this rank first (GaLore), 0 for none; projection_bits: of what projects them.
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
    steps: bool = True
    wide_embeddings: bool = False

    def state_bytes(self, tensor: Tensor) -> int:
        """Of the states of one trained tensor, without its step count."""
        elements, projection = _elements(tensor), 0
        shape = (tensor.shape[0], elements // tensor.shape[0])
        bits = self.state_bits or tensor.bits
        row_and_column = 0
        if self.factored:
            row_and_column = (sum(shape) if len(tensor.shape) > 1 else elements) * bits // 8
        if self.rank and tensor.role == "linear" and min(shape) > self.rank:
            elements, projection = self.rank * max(shape), self.rank * min(shape) * self.projection_bits // 8
        each = elements * bits // 8
        if bits == 8:
            wide = elements < SMALLEST_IN_8_BIT or (self.wide_embeddings and tensor.role in WIDENED)
            each = 4 * elements if wide else elements + 4 * -(-elements // STATE_BLOCK)
        return self.moments * each + row_and_column + projection + _elements(tensor) * self.master_bits // 8


ADAMW = Optimizer()
ADAMW_8_BIT = Optimizer(state_bits=8, implementation="bitsandbytes", steps=False)
LION_8_BIT = ADAMW_8_BIT._replace(moments=1)
SGD = Optimizer(moments=0, steps=False)
SGD_WITH_MOMENTUM = SGD._replace(moments=1)
ADAFACTOR = Optimizer(moments=0, factored=True, implementation="for_loop")
ADAFACTOR_OF_TRANSFORMERS = ADAFACTOR._replace(state_bits=32, implementation="widened")
LOMO = Optimizer(moments=0, steps=False, implementation="widened", in_backward=True)


class Kept(NamedTuple):
    """Sums over all trained tensors. work: what an update makes beside them."""

    states: int
    elements: int
    tensors: int
    work: int


def optimizer_lines(draft: Draft, optimizer: Optimizer) -> tuple[Line, ...]:
    """States from the first update on, and what an update works with."""
    return _lines(draft.stacks, draft.when, optimizer)


def saved_state_lines(draft: Draft, optimizer: Optimizer) -> tuple[Line, ...]:
    """States in each checkpoint on the disk, and on their way there and back in the computer's memory."""
    return _saved(draft.stacks, draft.when, optimizer, draft.device)


@lru_cache(maxsize=1024)
def _lines(stacks: tuple[Stack, ...], when: Stretches, optimizer: Optimizer) -> tuple[Line, ...]:
    kept = _kept(stacks, optimizer)
    alive = when.states if not optimizer.master_bits else when.always
    place = HOST if optimizer.paged else DEVICE
    lines = [
        Line("Optimizer states", Kind.STATES, place, kept.states, alive, Slot.OPTIMIZER, _why(optimizer, kept)),
    ]
    if kept.work:
        moments = when.layer_last | when.layer_first | when.backward_end if optimizer.in_backward else when.update
        how = Why(HOW[optimizer.implementation], (("n", kept.work),))
        lines.append(Line("Update workspace", Kind.WORKSPACE, DEVICE, kept.work, moments, Slot.OPTIMIZER, how))
    return tuple(x for x in lines if x.bytes)


@lru_cache(maxsize=1024)
def _saved(stacks: tuple[Stack, ...], when: Stretches, optimizer: Optimizer, device: str) -> tuple[Line, ...]:
    size = _kept(stacks, optimizer).states
    if not size:
        return ()
    why = Why("{n} bytes in each of {k} checkpoints on the disk.", (("n", size), ("k", CHECKPOINTS_AT_ONCE)))
    total = CHECKPOINTS_AT_ONCE * size
    on_disk = Line("Saved optimizer states", Kind.STATES, DISK, total, when.save, Slot.OPTIMIZER, why)
    if device == "cpu":
        return (on_disk,)
    why = Why("A checkpoint's tensors pass through the computer's memory on their way to the disk and back.")
    copied = Line("Copy for the checkpoint", Kind.STATES, HOST, size, when.save | when.resume, Slot.OPTIMIZER, why)
    return (on_disk, copied)


HOW = {
    "foreach": "All tensors at once: copies as large as all their second moments, {n} bytes.",
    "for_loop": "Tensor by tensor: what is worked out of one beside what is left of the one before, {n} bytes.",
    "fused": "Each tensor's own copy: {n} bytes.",
    "bitsandbytes": "One tensor at a time: {n} bytes.",
    "widened": "One tensor at a time in float32, its gradient as well: {n} bytes.",
    "deepspeed": "The gradients in one piece, and their float32 copy, {n} bytes.",
}


def _why(optimizer: Optimizer, kept: Kept) -> Why:
    """What the states are, in a sentence."""
    if optimizer.moments == 2:
        what = "The mean and the mean square of the gradient"
    else:
        what = "A running mean of the gradient" if optimizer.moments else ""
    if optimizer.factored:
        what = (what + ", and its" if what else "The gradient's") + " mean square as one row and one column"
    width = f"in {optimizer.state_bits} bits" if optimizer.state_bits else "in the weight's own type"
    said = f"{what}, {width}, for {{n}} trained elements" if what else "A copy of {n} trained elements"
    if optimizer.steps:
        said += "; and a number for each of {t} tensors"
    if optimizer.master_bits:
        said += f"; and a copy of each weight in {optimizer.master_bits} bits" if what else ""
    said += ". In memory that the driver moves to and from the card." if optimizer.paged else "."
    return Why(said, (("n", kept.elements), ("t", kept.tensors)))


def trained(stacks: tuple[Stack, ...]) -> Iterator[Tensor]:
    """Every trained tensor that has a storage of its own, with how often it occurs."""
    for stack in stacks:
        yield from (x for x in stack.tensors if x.trained and not x.tied)


def _kept(stacks: tuple[Stack, ...], optimizer: Optimizer) -> Kept:
    tensors = list(trained(stacks))
    count = sum(x.count for x in tensors)
    states = sum(x.count * optimizer.state_bytes(x) for x in tensors)
    if optimizer.state_bits == 8:
        states += optimizer.moments * CODE_BYTES
    elif optimizer.steps:
        states += 4 * count
    return Kept(states, sum(x.elements for x in tensors), count, _work(stacks, tensors, optimizer))


def _work(stacks: tuple[Stack, ...], tensors: list[Tensor], optimizer: Optimizer) -> int:
    """What an update makes: foreach the square roots of all second moments, for_loop those of one tensor."""
    implementation = optimizer.implementation

    def of(tensor: Tensor) -> int:
        return _elements(tensor) * (optimizer.state_bits or tensor.bits) // 8

    if not tensors:
        return 0
    if implementation == "widened":
        return _one_by_one_in_float32(stacks, tensors, optimizer)
    if optimizer.factored:  # one tensor's second moments, which become its update, beside the update of the one before
        return max((size + before for stack in stacks for before, size in _in_turn(stack)), default=0)
    if not optimizer.moments:
        return 0
    if optimizer.master_bits:  # gradients as wide as the copies that they update
        return sum(x.elements for x in tensors) * optimizer.master_bits // 8
    if optimizer.rank:  # one projected back to its own size
        return max(_elements(x) * x.bits // 8 for x in tensors)
    if optimizer.moments < 2:  # in place
        return 0
    if optimizer.in_backward:
        return max(of(x) for x in tensors) if implementation in ("foreach", "for_loop") else 0
    if implementation == "foreach":  # tensors of one type at a time
        by_bits: dict[int, int] = {}
        for x in tensors:
            by_bits[x.bits] = by_bits.get(x.bits, 0) + x.count * of(x)
        return max(by_bits.values())
    if implementation == "for_loop":
        # _single_tensor_adam: the square root and the denominator of one, and the denominator of the one before
        return max((2 * size + before for stack in stacks for before, size in _in_turn(stack)), default=0)
    return 0


def _in_turn(stack: Stack) -> Iterator[tuple[int, int]]:
    """Bytes of each trained matrix, in an update's order, behind those of the one before it."""
    sizes = stored(stack).in_turn
    return zip((0, *sizes), sizes, strict=False)


def _one_by_one_in_float32(stacks: tuple[Stack, ...], tensors: list[Tensor], optimizer: Optimizer) -> int:
    """float32 copies of a 16-bit weight and of its gradient; Adafactor squares the gradient twice beside them, while
    the update of the tensor before is still named."""
    narrow = {x.bits for x in tensors} != {32}
    copies = 2 if narrow else 0
    if not optimizer.factored:
        return max(4 * _elements(x) for x in tensors) * copies
    bits = max(x.bits for x in tensors)
    every = ((copies + 2) * size + before for stack in stacks for before, size in _in_turn(stack))
    return max(every, default=0) * 32 // bits


def _elements(tensor: Tensor) -> int:
    return tensor.elements // tensor.count
