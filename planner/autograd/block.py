"""What one block needs in a training step: run once on the tape for each combination of choices, then only looked up.

Amounts are by fixed, position, token and pair of tokens, so that one run serves every batch and length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from planner.autograd.amount import Amount, minus, per_position, per_token, times, total
from planner.autograd.any_rank import at_rank, largest_at_rank, of_any_rank, unbeaten_at_any_rank
from planner.autograd.layer import Layer, Shared
from planner.autograd.tape import Tape, Value
from planner.draft import Draft, Stack, Ways
from planner.facts.model.families import FAMILIES
from planner.stored import stored


@dataclass(frozen=True, slots=True)
class Block:
    """kept: for backward when its forward is over, and whether its input is part of that. cached: keys and values that
    stay as long as the outputs do, and are not part of what is kept.

    left: what packed matmuls still hold of the step before.
    forward, backward: the fullest instants of each, with all of the block's own bytes: what it keeps, temporaries,
    gradients. inference: of a forward pass that keeps nothing. made: all that forward and backward make, one after the
    other, in `operations` pieces: what is written, for how long it takes.
    """

    kept: Amount
    cached: Amount
    left: Amount
    keeps_input: bool
    forward: tuple[Amount, ...]
    backward: tuple[Amount, ...]
    inference: tuple[Amount, ...]
    made: Amount = (0, 0, 0, 0)
    operations: int = 0


@dataclass(frozen=True, slots=True)
class Blocks:
    """All blocks of a model: how many, the last one and the first that backward reaches, and what the others keep.

    others_kept: by all blocks but the last. cached: keys and values of all. left: as `Block.left`, of all. inference:
    the fullest instants of a forward pass that keeps nothing, of whichever kind of block. made, operations: of all, both ways.
    """

    layers: int
    first: Block
    last: Block
    others_kept: Amount
    cached: Amount
    left: Amount
    inference: tuple[Amount, ...]
    made: Amount = (0, 0, 0, 0)
    operations: int = 0


def blocks_of(draft: Draft) -> Blocks:
    """The blocks of all stacks of a draft."""
    alone = draft.schedule.grad_accumulation == 1 and not draft.loop.takes_gradients
    return _all(draft.stacks, draft.ways, alone)


def blocks_of_any_batch(stacks: tuple[Stack, ...], ways: Ways) -> Blocks:
    """The blocks of these stacks, for what does not depend on whether gradients are added up over micro-batches."""
    return _all(stacks, ways, False)


@lru_cache(maxsize=4096)
def _all(stacks: tuple[Stack, ...], ways: Ways, alone: bool) -> Blocks:
    layers = sum(stack.layers for stack in stacks)
    every: list[tuple[int, Block]] = []
    # with checkpointing PEFT makes the embedding's result want a gradient, or nothing would be recorded
    wants = stored(stacks[0]).into_first or ways.recompute
    first = None
    for stack in stacks:
        entering = _run(stack, ways, wants, alone)
        wants = wants or stored(stack).of_block > 0
        first = first or (entering if wants else None)
        every += [(1, entering), (stack.layers - 1, _run(stack, ways, wants, alone))]
    last = every[-1][1] if stacks[-1].layers > 1 else every[-2][1]
    kept, cached = total([times(n, one.kept) for n, one in every]), total([times(n, one.cached) for n, one in every])
    left = total([times(n, one.left) for n, one in every])
    inference = tuple(dict.fromkeys(instant for _, one in every for instant in one.inference))
    made, operations = total([times(n, one.made) for n, one in every]), sum(n * one.operations for n, one in every)
    others = minus(kept, last.kept)
    return Blocks(layers, first or every[0][1], last, others, cached, left, inference, made, operations)


@lru_cache(maxsize=4096)
def _run(stack: Stack, ways: Ways, wants_gradient: bool, gradients_stay: bool) -> Block:
    shape, rank = of_any_rank(stack)
    block = _of_any_rank(shape, ways, wants_gradient, gradients_stay, rank > 0)
    if not rank:
        return block
    return Block(
        kept=at_rank(block.kept, rank),
        cached=at_rank(block.cached, rank),
        left=at_rank(block.left, rank),
        keeps_input=block.keeps_input,
        forward=largest_at_rank(block.forward, rank),
        backward=largest_at_rank(block.backward, rank),
        inference=largest_at_rank(block.inference, rank),
        made=at_rank(block.made, rank),
        operations=block.operations,
    )


@lru_cache(maxsize=4096)
def _of_any_rank(stack: Stack, ways: Ways, wants_gradient: bool, gradients_stay: bool, symbol: bool) -> Block:
    """The tape's run. Where the stack has a symbol for its adapters' rank, so have the block's amounts."""
    facts, bits = stack.facts, ways.flow_bits
    block = FAMILIES[facts.family].block
    t = Tape(ways.device, gradients_stay, ways.float16)
    t.compiled = ways.loop.compiled
    layer = Layer(t, stack, ways)
    around = shared_of(t, stack, ways)
    shared = tuple(t.live)

    def run(x: Value) -> Value:
        return block(layer, x, around)

    t.enter("forward")
    x = t.input(per_token(facts.hidden_size), bits, wants_gradient)
    y = t.checkpoint(run, x) if ways.recompute else run(x)
    t.note()
    before = tuple(t.live)
    del x
    keeps_input = tuple(t.live) == before
    cached = total([value.storage.bytes for value in layer.cache])
    storages = {id(value.storage): value.storage.bytes for value in layer.left}
    left = total(list(storages.values())) if not ways.recompute else (0, 0, 0, 0)
    layer.left.clear()
    elements, last, result = y.elements, y.node, y.storage.bytes
    kept = minus(tuple(t.live), result)
    del y
    t.enter("backward")
    if last is not None:  # otherwise nothing is trained here or before
        reached = t.backward(last, elements, bits)
        del reached
    del last
    made, operations = minus(t.made, shared), t.operations
    t.gradients.clear()  # they name the tape, which names them
    return Block(
        kept=minus(minus(kept, shared), cached),
        cached=cached,
        left=left,
        keeps_input=keeps_input,
        forward=tuple(minus(minus(a, shared), cached) for a in unbeaten_at_any_rank(t.instants("forward"), symbol)),
        backward=tuple(minus(minus(a, shared), cached) for a in unbeaten_at_any_rank(t.instants("backward"), symbol)),
        inference=_forward_alone(stack, ways._replace(recompute=False), symbol),
        made=made,
        operations=operations,
    )


@lru_cache(maxsize=4096)
def _forward_alone(stack: Stack, ways: Ways, symbol: bool) -> tuple[Amount, ...]:
    """The fullest instants of a forward pass that keeps nothing: the same whatever a training step keeps."""
    t = Tape(ways.device, float16=ways.float16)
    t.compiled, t.recording = ways.loop.compiled, False
    layer = Layer(t, stack, ways)
    around = shared_of(t, stack, ways)
    shared = tuple(t.live)
    t.enter("inference")
    x = t.input(per_token(stack.facts.hidden_size), ways.flow_bits)
    FAMILIES[stack.facts.family].block(layer, x, around)
    layer.left.clear()
    return tuple(minus(a, shared) for a in unbeaten_at_any_rank(t.instants("inference"), symbol))


def shared_of(t: Tape, stack: Stack, ways: Ways) -> Shared:
    """What all blocks of a stack read, at the size that the model makes it."""
    facts, bits = stack.facts, ways.flow_bits
    rotary = facts.rotary_dim
    cos = t.input(per_position(rotary), bits) if rotary else None
    sin = t.input(per_position(rotary), bits) if rotary else None
    before = stack.prefix.tokens if stack.prefix else 0
    mask = t.input((0, 0, before, 1), ways.mask_bits) if ways.mask_bits else None
    # the encoder's result, taken to be as long as the decoder's rows
    encoded = t.input(per_token(facts.hidden_size), bits, True) if stack.kind == "decoder" else None
    return Shared(cos, sin, mask, encoded)
