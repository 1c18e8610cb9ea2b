"""What a card's allocator keeps under ZeRO-3, beside live tensors.

Here a step's largest requests are made by the update, not by the activations, and they are so few and so large that
they can be replayed one by one, in the order of deepspeed/runtime/zero/stage3.py (0.10 to 0.12):
1. when the optimizer is built, copies of the weights and a float32 gradient of zeros come and go. They leave room in
   which short batches find all that they need: up to some length, the length does not matter;
2. the update makes the float64 copy of the largest gradient, then one group's gradients in one piece and in float32.
   The last fits into nothing that a batch has left;
3. with `overlap_comm` gradients are looked through on a stream of their own, and the allocator never gives what one
   stream has freed to another: that work stands beside everything else from the first update on.
Stages 1 and 2 look through gradients tensor by tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from planner.allocator import Allocator
from planner.draft import Draft
from planner.ledger import DEVICE, At, Kind, Line
from planner.reserved import rests
from planner.slots import Slot
from planner.training.optimizers import Optimizer, trained
from planner.training.zero import SUB_GROUP_ELEMENTS, checked_bytes

STEPS = 2  # what the second step leaves free, all others find
LOSS_PIECES = 6  # logits in 16 bits, and in float32 forward and backward; what is left of the loss is one request


class Requests(NamedTuple):
    """What is asked for: share, largest in elements, states as (bits of each), the others in bytes.

    share: of all trained elements, on this rank. largest: of one trained tensor. loss: pieces as large as the logits,
    and a rest. bucket: of gradients. kept: by all blocks; forward, backward: what one block works with.
    """

    share: int
    largest: int
    bits: int
    states: tuple[int, ...]
    loss: tuple[int, ...]
    bucket: int
    kept: int
    forward: int
    backward: int


def kept_by_zero3(
    totals: Mapping[At, int], lines: Iterable[Line], draft: Draft, ranks: int, optimizer: Optimizer
) -> tuple[int, int, int]:
    """Low, expected and high bytes beside the peak of `totals`, the live bytes of the card by instant."""
    lines, when = [x for x in lines if x.place is DEVICE], draft.when

    def of(kind: Kind, moments: frozenset[At]) -> int:
        return sum(int(x.bytes) for x in lines if x.kind is kind and x.slot is not Slot.OPTIMIZER and x.alive & moments)

    tensors = [x for x in trained(draft.stacks) if x.elements]
    if not tensors:
        return 0, 0, 0
    bits, logits = max(x.bits for x in tensors), of(Kind.LOGITS, when.loss)
    batch, flow = draft.batch, draft.flow_bits or draft.compute_bits
    piece = int(batch.tokens) * draft.facts.vocab_size * flow // 8
    pieces = min(logits // max(piece, 1), LOSS_PIECES)
    asked = Requests(
        -(-sum(x.elements for x in tensors) // ranks),
        max(x.elements // x.count for x in tensors),
        bits,
        (optimizer.master_bits or 32, *[optimizer.state_bits or 32] * optimizer.moments),
        (*[piece] * pieces, logits - pieces * piece),
        draft.facts.hidden_size**2 * bits // 8,
        of(Kind.ACTIVATIONS, when.loss),
        of(Kind.WORKSPACE, when.forward_end),
        of(Kind.WORKSPACE, when.layer_last),
    )
    of_others = max(
        sum(int(x.bytes) for x in lines if at in x.alive and x.slot is not Slot.OPTIMIZER) for at in when.update
    )
    live = max(totals.values(), default=0)
    most = max(of_others + _segments(asked) + checked_bytes(asked.share, bits), live)
    _, below, above = rests(draft.recompute)
    return max(most - most * below // 1000, live) - live, most - live, most + most * above // 1000 - live


@lru_cache(maxsize=1024)
def _segments(asked: Requests) -> int:
    """Bytes of all segments of the stream that computes, after two steps; the weights themselves are not among them."""
    allocator, keys = Allocator(), count()

    def take(*sizes: int) -> list[int]:
        made = [next(keys) for size in sizes if size]
        for key, size in zip(made, [x for x in sizes if x], strict=True):
            allocator.take(key, size)
        return made

    def give(made: list[int]) -> None:
        for key in made:
            allocator.give(key)

    share, bits = asked.share, asked.bits
    whole, rest = divmod(share, SUB_GROUP_ELEMENTS)
    groups = [SUB_GROUP_ELEMENTS] * whole + [rest] * bool(rest)
    for n in groups:  # _create_fp32_partitions
        copy = take(n * bits // 8)
        take(n * asked.states[0] // 8)
        give(copy)
    zeros = take(4 * max(groups))  # initialize_optimizer_states
    take(*(n * each // 8 for n in groups for each in asked.states[1:]))
    give(zeros)
    take(asked.bucket, share * bits // 8)  # __ipg_bucket_flat_buffer, grad_partitions_flat_buffer
    for _ in range(STEPS):
        give(take(asked.forward))
        of_blocks = take(asked.kept)
        give(take(*asked.loss))
        give(take(asked.largest * bits // 8))  # the gradient of the head, or of the embedding
        give(take(asked.backward))
        give(of_blocks)
        give(take(8 * asked.largest))  # get_grad_norm_direct
        for n in groups:  # _prepare_fp32_grad_for_sub_group
            flat = take(n * bits // 8)
            wide = take(4 * n)
            give(flat)
            give(wide)
    return allocator.reserved_bytes
