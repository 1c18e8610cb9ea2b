"""One rank's share of a run on several: what is divided, what is gathered for a moment, and the buckets in between.

Works on the lines of the same run on one device: whatever a kind of sharding divides becomes a share, and what it makes
beside is added. Scored apart from runs on one device; orders of magnitude, not exact figures.
"""

from __future__ import annotations

from typing import NamedTuple

from planner.draft import Draft, Tensor
from planner.ledger import DEVICE, HOST, Kind, Line, Why
from planner.slots import Slot
from planner.stored import stored

DIVIDED = {Kind.WEIGHTS, Kind.ADAPTER, Kind.GRADIENTS, Kind.STATES}
PREFETCHED = 2  # blocks whose parameters are whole at once: the one that runs and the next
REDUCE_BITS = 32  # gradients are summed over the ranks in float32 where parameters are


class Shares(NamedTuple):
    """kind: none, ddp, fsdp_full, fsdp_hybrid, tensor or layers_over_devices. ranks: that share parameters between
    them; blocks: that have different blocks; tensors: that compute parts of each block. offloaded: what is not in use
    lies in the computer's memory."""

    kind: str
    ranks: int
    blocks: int = 1
    tensors: int = 1
    offloaded: bool = False


def per_rank(draft: Draft, lines: tuple[Line, ...], shares: Shares) -> tuple[Line, ...]:
    """The lines of the fullest rank."""
    if shares.kind == "none" or shares.ranks * shares.blocks < 2:
        return lines
    if shares.kind == "ddp":
        return (*lines, *_buckets(draft))
    n = shares.ranks * shares.blocks
    divided = tuple(_share(line, n, shares) if line.place == DEVICE else line for line in lines)
    if shares.kind.startswith("fsdp"):
        return (*divided, *_gathered(draft, shares))
    return divided


def _share(line: Line, n: int, shares: Shares) -> Line:
    everything = shares.kind == "layers_over_devices" and line.kind is not Kind.LOGITS
    if shares.tensors > 1 and line.kind in (Kind.ACTIVATIONS, Kind.LOGITS, Kind.WORKSPACE):
        # with the tokens of norms and residuals shared out too
        return Line(line.what, line.kind, line.place, -(-line.bytes // shares.tensors), line.alive, line.slot, line.why)
    of_update = line.slot is Slot.OPTIMIZER and line.kind is Kind.WORKSPACE
    if not (line.kind in DIVIDED or everything or of_update):
        return line
    place = HOST if shares.offloaded and line.kind in DIVIDED else line.place
    return Line(line.what, line.kind, place, -(-line.bytes // n), line.alive, line.slot, line.why)


def _buckets(draft: Draft) -> tuple[Line, ...]:
    """DistributedDataParallel's reducer: all gradients once more, in buckets, from the first backward on."""
    when = draft.when
    size = sum(stored(stack).trained_bytes for stack in draft.stacks)
    why = Why("Gradients lie once more in buckets that are summed over all ranks: {n} bytes.", (("n", size),))
    return (Line("Gradient buckets", Kind.GRADIENTS, DEVICE, size, when.training, Slot.PLACEMENT, why),)


def _gathered(draft: Draft, shares: Shares) -> tuple[Line, ...]:
    """Whole parameters of the blocks in use, of the head at the loss, and whole gradients on their way to the shares."""
    when, bits = draft.when, draft.compute_bits
    blocks = max(
        sum(_whole(x, bits) // x.count for x in stack.tensors if x.count >= stack.layers > 1) for stack in draft.stacks
    )
    ends = sum(_whole(x, bits) for stack in draft.stacks for x in stack.tensors if x.role in ("head", "embedding"))
    of_block = max(stored(stack).of_block for stack in draft.stacks)
    of_ends = stored(draft.stacks[-1]).of_head
    backward = when.layer_last | when.layer_first
    on_the_way = REDUCE_BITS + bits  # as made, and as it is summed

    def line(what: str, kind: Kind, size: int, alive: frozenset, why: str) -> Line:  # type: ignore[type-arg]
        return Line(what, kind, DEVICE, size, alive, Slot.PLACEMENT, Why(why, (("n", size),)))

    def reduced(stored_bytes: int) -> int:
        wide = max((x.bits for stack in draft.stacks for x in stack.tensors if x.trained), default=bits)
        return stored_bytes // wide * on_the_way if wide > bits else stored_bytes

    made = (
        line(
            "Gathered parameters",
            Kind.WEIGHTS,
            PREFETCHED * blocks,
            when.forward_end | backward,
            "The parameters of two blocks are whole at once, {n} bytes: of the one that runs and of the next.",
        ),
        line(
            "Gathered embedding and head",
            Kind.WEIGHTS,
            ends,
            when.loss | when.backward_end,
            "Embedding and head are whole while they are used: {n} bytes.",
        ),
        line(
            "Gradients to be shared out",
            Kind.GRADIENTS,
            reduced(of_block),
            backward,
            "A block's whole gradients, on their way to the ranks that keep them: {n} bytes.",
        ),
        line(
            "Gradients to be shared out",
            Kind.GRADIENTS,
            reduced(of_ends),
            when.layer_last,
            "The head's whole gradient, on its way to the ranks that keep it: {n} bytes.",
        ),
    )
    return tuple(x for x in made if x.bytes)


def _whole(tensor: Tensor, bits: int) -> int:
    """Bytes of a tensor as it is gathered: in the type that is computed in, or packed."""
    if tensor.tied:
        return 0
    return tensor.bytes if tensor.packing else tensor.elements * min(tensor.bits, bits) // 8
