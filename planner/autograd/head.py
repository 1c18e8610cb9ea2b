"""What the end of the model needs in a training step: final norm, head and loss, both ways, run once on the tape.

The loss itself is written by the technique that owns it; this only runs it between the last block and the gradient
that goes back into it. In these amounts the second part counts rows of a tile instead of positions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from planner.autograd.amount import Amount, per_token
from planner.autograd.operations import rms_norm
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Draft, Stack
from planner.stored import stored

Loss: TypeAlias = "Callable[[Tape, Value, Weight, int], Value]"
"""(tape, hidden, head's weight, vocabulary) → the loss."""


def head_of(draft: Draft, loss: Loss) -> tuple[Amount, ...]:
    """The fullest instants between the last block's forward and its backward, all bytes made there counted."""
    return _run(loss, draft.stacks[-1], draft.compute_bits, draft.device, draft.schedule.grad_accumulation == 1)


@lru_cache(maxsize=4096)
def _run(loss: Loss, stack: Stack, bits: int, device: str, alone: bool) -> tuple[Amount, ...]:
    facts, sums = stack.facts, stored(stack)
    # a tied head's gradient waits for the embedding's, others are added at once to those of earlier micro-batches
    t = Tape(device, gradients_stay=sums.tied or alone)
    t.enter("loss")
    norm = Weight(facts.hidden_size, sums.bits, sums.of_final_norm > 0)
    head = Weight(facts.hidden_size * facts.vocab_size, sums.bits, sums.of_head > 0)
    x = t.input(per_token(facts.hidden_size), bits, wants_gradient=True)
    result = loss(t, rms_norm(t, x, norm), head, facts.vocab_size)
    del x
    last, elements = result.node, result.elements
    del result
    assert last is not None
    reached = t.backward(last, elements, 32)
    del reached, last
    return t.fullest("loss")
