"""What of a card's memory is lost beside the weights because their blocks are not cut to size.

torch's allocator counts a whole block as allocated. A matrix of 10 MiB or more gets a block of its own, rounded up to
2 MiB; a rest of at most 1 MiB is not split off, and stays unused for as long as the matrix is there. For some shapes
that is a MiB for most matrices of a model. So the loading of the model is replayed, once for each kind of stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from planner.allocator import Allocator, Event
from planner.draft import Stack, Tensor
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.slots import Slot
from planner.weights.packing import EightBits, FourBits

WHY = Why("Matrices lie in blocks of whole 2 MiB; a rest of up to 1 MiB is not given to anything else.")


def unused_line(stacks: tuple[Stack, ...], device: str, alive: frozenset[At]) -> Line:
    """The rests as a line; none where torch's caching allocator does not rule."""
    size = unused_bytes(stacks) if device == "cuda" else 0
    return Line("Unused rests of blocks", Kind.WEIGHTS, DEVICE, size, alive, Slot.WEIGHTS, WHY)


@lru_cache(maxsize=1024)
def unused_bytes(stacks: tuple[Stack, ...]) -> int:
    """Bytes that the blocks of all weights have beyond the tensors in them, on a card that was empty before."""
    return _unused(tuple([(stack.layers, _weights_of(stack)) for stack in stacks]))


def _weights_of(stack: Stack) -> tuple[Tensor, ...]:
    return tuple([x for x in stack.tensors if not x.tied and x.elements and x.role != "adapter"])


@lru_cache(maxsize=256)
def _unused(stacks: tuple[tuple[int, tuple[Tensor, ...]], ...]) -> int:
    """The same of (layers, tensors): whatever adapters hang on them, weights lie alike."""
    allocator, left, next_key = Allocator(), 0, 0
    for tensor in _loaded(stacks):
        read = _read_bytes(tensor)
        events: list[Event] = [(next_key, read)] if read else []
        events += [(next_key + 1 + i, n) for i, n in enumerate(_pieces(tensor))]
        left += sum(n for _, n in events) - read
        allocator.replay([*events, *([(next_key, 0)] if read else [])])
        next_key = events[-1][0] + 1
    return allocator.allocated_bytes - left


def _loaded(stacks: tuple[tuple[int, tuple[Tensor, ...]], ...]) -> Iterator[Tensor]:
    """Every tensor of the model as often as it is there, in the order of its modules: layer by layer, the head last."""
    for n_layers, stored in stacks:
        before = [x for x in stored if x.role in ("embedding", "positions")]
        layers = [x for x in stored if x.count == n_layers and x not in before]
        yield from before
        for _ in range(n_layers):
            yield from layers
        for tensor in stored:
            if tensor not in before and tensor not in layers:
                yield from [tensor] * tensor.count


def _pieces(tensor: Tensor) -> Iterator[int]:
    """Bytes of each storage that stays of one tensor."""
    if tensor.packing is not None:
        yield from tensor.packing.pieces(tensor.shape)
    else:
        yield tensor.elements // tensor.count * tensor.bits // 8


def _read_bytes(tensor: Tensor) -> int:
    """Of what is on the card while one tensor is quantised there; 0 where the file has it as it is stored."""
    if not isinstance(tensor.packing, (FourBits, EightBits)):
        return 0
    return 2 * tensor.elements // tensor.count
