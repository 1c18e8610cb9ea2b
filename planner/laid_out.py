"""What of a card's memory is lost beside the weights because their blocks are not cut to size.

torch's allocator counts a whole block as allocated. A matrix of 10 MiB or more gets a block of its own, rounded up to
2 MiB; a rest of at most 1 MiB is not split off, and stays unused for as long as the matrix is there. For some shapes
that is a MiB for most matrices of a model. So the loading of the model is replayed, once for each kind of stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from planner.allocator import Allocator
from planner.draft import Stack, Tensor


@lru_cache(maxsize=1024)
def unused_bytes(stacks: tuple[Stack, ...]) -> int:
    """Bytes that the blocks of all weights have beyond the tensors in them, on a card that was empty before."""
    allocator, taken = Allocator(), 0
    for key, n_bytes in enumerate(_pieces(stacks)):
        allocator.take(key, n_bytes)
        taken += n_bytes
    return allocator.allocated_bytes - taken


def _pieces(stacks: tuple[Stack, ...]) -> Iterator[int]:
    """Bytes of every tensor of the model, in the order in which checkpoints have them: layer by layer, the head last."""
    for stack in stacks:
        before = [x for x in stack.tensors if x.role in ("embedding", "positions") and not x.tied]
        layers = [x for x in stack.tensors if x.count == stack.layers and x not in before]
        after = [x for x in stack.tensors if x not in before and x not in layers and not x.tied]
        for tensor in before:
            yield from _of(tensor)
        for _ in range(stack.layers):
            for tensor in layers:
                yield from _of(tensor)
        for tensor in after:
            for _ in range(tensor.count):
                yield from _of(tensor)


def _of(tensor: Tensor) -> Iterator[int]:
    if tensor.packing is not None:
        yield from tensor.packing.pieces(tensor.shape)
    elif n_bytes := tensor.elements // tensor.count * tensor.bits // 8:
        yield n_bytes
