"""A training step's requests in their order, replayed through the model of the card's allocator.

What a card has reserved at its fullest depends on which blocks were free when a larger one was asked for. So the
streams of one block and of the head are strung together as a step does it: weights, then twice forward, loss, backward
and update. Requests of the small pool are only added up: they fill its segments without gaps that matter.

Twice, because optimizer states appear in the first update, in what the first forward and backward left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from planner.allocator import (
    ROUNDING_BYTES,
    SMALL_BYTES,
    SMALL_SEGMENT_BYTES,
    Allocator,
    Event,
    OutOfMemoryError,
)
from planner.autograd.amount import Extent, measure
from planner.autograd.head import Loss
from planner.autograd.stream import Step, Stream, block_stream, head_stream
from planner.draft import Stack, Tensor, Ways
from planner.facts.model.families import encoder_decoder
from planner.stored import stored
from planner.workspaces import CUBLAS_BYTES

WHOLE_BLOCKS = 2
"""Blocks at each end of a stack whose temporaries are replayed; those between find the same room."""


class Run(NamedTuple):
    """Everything that decides the row of requests. Hashable: replayed once for each.

    tokens, rows: of a batch; piece_tokens: of one piece of a loss in pieces. state_bytes: of the optimizer on the card;
    update_bytes: what the update works with. alone: one micro-batch for each update. repeated: all batches are like this
    one; otherwise it is the longest of many and comes once, with the states in place, into a cache of no use to it.
    """

    stacks: tuple[Stack, ...]
    ways: Ways
    loss: Loss
    rows: int
    seq: int
    piece_tokens: int
    state_bytes: int
    update_bytes: int
    alone: bool
    repeated: bool = True


class Came(NamedTuple):
    """What the replay came to, without the context of the process. fits: within the capacity that was given."""

    allocated_bytes: int
    reserved_bytes: int
    fits: bool = True


def can_replay(stacks: tuple[Stack, ...]) -> bool:
    """Stacks that follow each other and are trained from the first on, with a head.

    An encoder's result that every block of a decoder reads has no place here yet, nor have blocks that nothing goes back
    into, nor a loss without logits.
    """
    follow = all(stack.kind != encoder_decoder.DECODER for stack in stacks)
    first = stacks[0]
    trained = stored(first).into_first or any(x.trained and x.count == first.layers for x in first.tensors)
    return follow and trained and any(x.role == "head" for x in stacks[-1].tensors)


@lru_cache(maxsize=4096)
def replayed(run: Run, capacity_bytes: int | None = None, *, expandable_segments: bool = False) -> Came:
    """Follows the run's steps. Within a capacity unused segments are given back where one more would not fit; where that
    is not enough, the figures are those without a limit."""
    limit = None
    if capacity_bytes is not None:
        limit = capacity_bytes - _segments(sum(_small_sizes(run)))
    allocator = Allocator(limit, expandable_segments)
    take, give = allocator.take, allocator.give
    now = most = small_now = small_most = 0  # the small pool is a sum
    sizes: dict[int, int] = {}
    try:
        for key, size in _events(run):
            if not size:
                size = sizes.pop(key)
                now -= size
                if size > SMALL_BYTES:
                    give(key)
                else:
                    small_now -= size
                continue
            size = -(-size // ROUNDING_BYTES) * ROUNDING_BYTES
            sizes[key] = size
            now += size
            if size > SMALL_BYTES:
                take(key, size)
            else:
                small_now += size
                if small_now > small_most:
                    small_most = small_now
            if now > most:
                most = now
    except OutOfMemoryError:
        return replayed(run, expandable_segments=expandable_segments)._replace(fits=False)
    return Came(most, allocator.peak_reserved_bytes + _segments(small_most))


def _segments(n_bytes: int) -> int:
    return -(-n_bytes // SMALL_SEGMENT_BYTES) * SMALL_SEGMENT_BYTES


def _small_sizes(run: Run) -> Iterator[int]:
    """Of what lies in the small pool when it is fullest: adapters, states, gradients and the update's work."""
    trained = [x for stack in run.stacks for x in stack.tensors if x.trained and not x.tied]
    sizes = [x.bytes // x.count for x in trained for _ in range(x.count)]
    for each in (sizes, sizes, _each(trained, run.state_bytes), _each(trained, run.update_bytes)):
        yield from (size for size in each if size <= SMALL_BYTES)


def _events(run: Run) -> Iterator[Event]:
    keys = count(1)
    yield from _weights(run.stacks, keys)
    trained = [x for stack in run.stacks for x in stack.tensors if x.trained and not x.tied]
    yield next(keys), CUBLAS_BYTES
    backward_workspace = next(keys)
    alive: list[int] = []
    if not run.repeated:
        for size in _each(trained, run.state_bytes):
            yield next(keys), size
    for step in range(2 if run.repeated else 1):
        for key in alive:
            yield key, 0
        alive = []
        steps = _Joined(run, keys)
        yield from steps.forward()
        if step == 0:
            yield backward_workspace, CUBLAS_BYTES
        yield from steps.backward()
        if step == 0 and run.repeated:
            for size in _each(trained, run.state_bytes):
                yield next(keys), size
        working = [(next(keys), size) for size in _each(trained, run.update_bytes)]
        yield from working
        for key, _ in working:
            yield key, 0
        alive = list(steps.alive)


def _weights(stacks: tuple[Stack, ...], keys: count[int]) -> Iterator[Event]:
    """One by one. Packed ones are first loaded into one piece as large as all of them (transformers'
    caching_allocator_warmup), unpacked and packed in turn; what is not packed is then widened."""
    tensors = [x for stack in stacks for x in stack.tensors if not x.tied and x.role != "adapter"]
    if any(x.packing for x in tensors):
        warm = next(keys)
        yield warm, sum(x.bytes if x.packing else x.elements * 2 for x in tensors)
        yield warm, 0
        for x in tensors:
            for _ in range(x.count if x.packing else 0):
                whole = next(keys)
                yield whole, x.elements // x.count * 2
                yield next(keys), x.bytes // x.count
                yield whole, 0
    plain = [(x, x.bytes // x.count) for x in tensors if not x.packing for _ in range(x.count)]
    narrow = [(next(keys), x.elements // x.count * 2) for x, _ in plain] if any(x.packing for x in tensors) else []
    yield from narrow
    for i, (_, size) in enumerate(plain):
        if size:
            yield next(keys), size
        if narrow:
            yield narrow[i][0], 0
    for stack in stacks:
        for x in stack.tensors:
            if x.role == "adapter":
                for _ in range(x.count):
                    yield next(keys), x.bytes // x.count


def _each(trained: list[Tensor], total: int) -> Iterator[int]:
    """So many bytes over the trained tensors, in their proportion."""
    every = sum(x.bytes for x in trained)
    if not every or not total:
        return
    for x in trained:
        for _ in range(x.count):
            yield max(1, x.bytes // x.count * total // every)


class _Sized:
    """A stream measured for one batch: (key, bytes) to be made, (key, 0) to die.

    between: the same without what both begins and ends within one pass. Such a block leaves behind what the whole one
    would; a few whole ones before it have made the room that its temporaries would take.
    """

    __slots__ = ("between", "stream", "whole")

    def __init__(self, stream: Stream, extent: Extent) -> None:
        self.stream = stream
        self.whole = (_sized(stream.forward[1:], extent), _sized(stream.backward[stream.meets > 0 :], extent))
        self.between = (_lasting(self.whole[0]), _lasting(self.whole[1]))


def _sized(steps: tuple[Step, ...], extent: Extent) -> list[Event]:
    return [(key, 0 if amount is None else max(1, measure(amount, extent))) for key, amount in steps]


def _lasting(events: list[Event]) -> list[Event]:
    made = {key for key, size in events if size}
    passing = {key for key, size in events if not size and key in made}
    return [x for x in events if x[0] not in passing]


class _Joined:
    """The streams of all blocks and of the head as one: a block's result is the next one's input, and back."""

    def __init__(self, run: Run, keys: count[int]) -> None:
        self.keys = keys
        self.alive: dict[int, None] = {}
        extent = Extent(run.seq, run.rows * run.seq, run.rows * run.seq * run.seq)
        self.input_bytes = 0
        sized: dict[int, _Sized] = {}
        self.blocks: list[tuple[_Sized, bool]] = []
        for index, stack in enumerate(run.stacks):
            for layer in range(stack.layers):
                first = index == 0 and layer == 0
                wants = not first or stored(stack).into_first or run.ways.recompute
                stream = block_stream(stack, run.ways, wants, run.alone)
                if id(stream) not in sized:
                    sized[id(stream)] = _Sized(stream, extent)
                whole = layer < WHOLE_BLOCKS or layer >= stack.layers - WHOLE_BLOCKS
                self.blocks.append((sized[id(stream)], whole))
                if first:
                    begin = stream.forward[0][1]
                    assert begin is not None
                    self.input_bytes = measure(begin, extent)
        self.embedding_bytes = stored(run.stacks[0]).of_embedding
        self.tied = stored(run.stacks[-1]).tied
        head = head_stream(run.loss, run.stacks[-1], run.ways, run.alone)
        self.head = _Sized(head, Extent(run.piece_tokens, run.rows * run.seq, 0))
        self.names: list[dict[int, int]] = [{} for _ in self.blocks]
        self.head_names: dict[int, int] = {}

    def forward(self) -> Iterator[Event]:
        result = next(self.keys)
        self.alive[result] = None
        yield result, self.input_bytes
        for (block, whole), names in zip(self.blocks, self.names, strict=True):
            names[block.stream.reads] = result
            yield from self._follow((block.whole if whole else block.between)[0], names)
            result = names[block.stream.makes]
        self.head_names[self.head.stream.reads] = result
        yield from self._follow(self.head.whole[0], self.head_names)

    def backward(self) -> Iterator[Event]:
        yield from self._follow(self.head.whole[1], self.head_names)
        gradient = self.head_names[self.head.stream.hands_on]
        for (block, whole), names in zip(reversed(self.blocks), reversed(self.names), strict=True):
            names[block.stream.meets] = gradient
            yield from self._follow((block.whole if whole else block.between)[1], names)
            gradient = names.get(block.stream.hands_on, gradient)
        yield from self._embedding()

    def _embedding(self) -> Iterator[Event]:
        """The embedding's own gradient. A tied head's is there already: both and their sum, of which one stays."""
        if not self.embedding_bytes:
            return
        own, both = next(self.keys), next(self.keys)
        yield own, self.embedding_bytes
        if not self.tied:
            self.alive[own] = None
            return
        yield both, self.embedding_bytes
        yield own, 0
        yield both, 0

    def _follow(self, events: list[Event], names: dict[int, int]) -> Iterator[Event]:
        for key, size in events:
            if size:
                name = names[key] = next(self.keys)
                self.alive[name] = None
                yield name, size
            else:
                name = names[key]
                if name in self.alive:
                    del self.alive[name]
                    yield name, 0
