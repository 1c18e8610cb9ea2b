"""What one block needs in a training step: run once on the tape for each combination of choices, then only looked up.

Amounts are by fixed, position, token and pair of tokens, so that one run serves every batch and length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from planner.autograd.amount import Amount, per_pair, per_position, per_token
from planner.autograd.tape import Tape, Value
from planner.draft import Attend, Draft, Stack
from planner.facts.model.families import FAMILIES
from planner.stored import stored


@dataclass(frozen=True, slots=True)
class Block:
    """kept: for backward when its forward is over, and whether its input is part of that.

    forward, backward: the fullest instants of each, with all of the block's own bytes: what it keeps, temporaries,
    gradients. inference: of a forward pass that keeps nothing.
    """

    kept: Amount
    keeps_input: bool
    forward: tuple[Amount, ...]
    backward: tuple[Amount, ...]
    inference: tuple[Amount, ...]


def block_of(draft: Draft, stack: Stack, *, first: bool) -> Block:
    """The block of this draft; first: the one that reads the embedding."""
    assert draft.attend is not None
    # with checkpointing PEFT makes the embedding's result want a gradient, or nothing would be recorded
    wants = not first or stored(stack).of_embedding > 0 or draft.recompute
    return _run(
        stack,
        draft.attend,
        draft.compute_bits,
        draft.recompute,
        draft.mask_bits,
        draft.device,
        wants,
        draft.schedule.grad_accumulation == 1,
    )


@lru_cache(maxsize=4096)
def _run(
    stack: Stack,
    attend: Attend,
    bits: int,
    recompute: bool,
    mask_bits: int,
    device: str,
    wants_gradient: bool,
    gradients_stay: bool,
) -> Block:
    facts = stack.facts
    block = FAMILIES[facts.family].block
    t = Tape(device, gradients_stay)
    cos, sin = t.input(per_position(facts.head_dim), bits), t.input(per_position(facts.head_dim), bits)
    mask = t.input(per_pair(1), mask_bits) if mask_bits else None
    shared = tuple(t.live)

    def layer(x: Value) -> Value:
        return block(t, stack, attend, x, cos, sin, mask)

    t.enter("forward")
    x = t.input(per_token(facts.hidden_size), bits, wants_gradient)
    y = t.checkpoint(layer, x) if recompute else layer(x)
    t.note()
    before = tuple(t.live)
    del x
    keeps_input = tuple(t.live) == before
    elements, last, result = y.elements, y.node, y.storage.bytes
    kept = _minus(tuple(t.live), result)
    del y
    assert last is not None
    t.enter("backward")
    reached = t.backward(last, elements, bits)
    del reached, last
    t.gradients.clear()
    t.recording = False
    t.enter("inference")  # with nothing left of the training step
    x = t.input(per_token(facts.hidden_size), bits)
    layer(x)
    return Block(
        kept=_minus(kept, shared),
        keeps_input=keeps_input,
        forward=tuple(_minus(a, shared) for a in t.fullest("forward")),
        backward=tuple(_minus(a, shared) for a in t.fullest("backward")),
        inference=tuple(_minus(a, shared) for a in t.fullest("inference")),
    )


def _minus(a: tuple[int, ...], b: tuple[int, ...]) -> Amount:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3])
