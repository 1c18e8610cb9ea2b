"""What the end of the model needs in a training step: final norm, head and loss, both ways, run once on the tape.

The loss itself is written by the technique that owns it; this only runs it between the last block and the gradient
that goes back into it. In these amounts the second part counts rows of a tile instead of positions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from planner.draft import Draft
from planner.operations import rms_norm
from planner.tape import Amount, Tape, Value, Weight, per_token

Loss: TypeAlias = "Callable[[Tape, Value, Weight, int], Value]"
"""(tape, hidden, head's weight, vocabulary) → the loss."""


def head_of(draft: Draft, loss: Loss) -> tuple[Amount, ...]:
    """The fullest instants between the last block's forward and its backward, all bytes made there counted."""
    tensors = {x.role: x for x in draft.stacks[-1].tensors if x.role in ("final norm", "head", "embedding")}
    head, norm = tensors["head"], tensors["final norm"]
    trained = tensors["embedding"].trained if head.tied else head.trained
    return _run(
        loss,
        draft.facts.hidden_size,
        draft.facts.vocab_size,
        draft.compute_bits,
        head.bits,
        trained,
        norm.trained,
        draft.device,
        head.tied or draft.schedule.grad_accumulation == 1,
    )


@lru_cache(maxsize=4096)
def _run(
    loss: Loss,
    hidden: int,
    vocabulary: int,
    bits: int,
    head_bits: int,
    head_trained: bool,
    norm_trained: bool,
    device: str,
    gradients_stay: bool,
) -> tuple[Amount, ...]:
    t = Tape(device, gradients_stay)
    t.enter("loss")
    norm, head = Weight(hidden, bits, norm_trained), Weight(hidden * vocabulary, head_bits, head_trained)
    result = _forward(t, loss, t.input(per_token(hidden), bits, wants_gradient=True), norm, head, vocabulary)
    last, elements = result.node, result.elements
    del result
    assert last is not None
    reached = t.backward(last, elements, 32)
    del reached, last
    return t.fullest("loss")


def _forward(t: Tape, loss: Loss, x: Value, norm: Weight, head: Weight, vocabulary: int) -> Value:
    x = rms_norm(t, x, norm)
    return loss(t, x, head, vocabulary)
