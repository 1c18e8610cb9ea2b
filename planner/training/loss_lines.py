"""The ledger's lines of a loss: its fullest instant, what outlives it, and the sum of a tied embedding's gradients."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from planner.autograd.amount import Extent, measure, most
from planner.autograd.block import blocks_of
from planner.autograd.head import Head, head_forward_of, head_of
from planner.autograd.tape import Tape, Value
from planner.draft import Draft
from planner.ledger import DEVICE, Kind, Line, Why
from planner.slots import Slot
from planner.stored import stored
from planner.units import Num, maximum

MANY_TOKENS = (
    "Every token gets a logit for each of {v} entries of the vocabulary. At the fullest instant the log-probabilities "
    "and two gradients of them lie side by side: 12 bytes each × {t} tokens."
)
FEW_TOKENS = (
    "Logits and their gradients for {t} tokens over {v} entries of the vocabulary; what is made beside them, as a "
    "trained head's own gradient, is the larger part for so few tokens or so few entries."
)
OTHERWISE = (
    "Logits of {t} tokens over {v} entries of the vocabulary, what the loss keeps of them and their gradients: "
    "{n} bytes for each logit at the fullest instant, the head's own gradient included where it is trained."
)


class Loss(Hashable, Protocol):
    """What runs between the hidden state and one number; see `planner.training.losses`."""

    def __call__(self, t: Tape, hidden: Value, head: Head) -> Value: ...

    def held_bits(self, compute_bits: int) -> int:
        """Of each logit that the loop still holds when backward has passed the loss."""


def loss_lines(draft: Draft, loss: Loss, piece_tokens: Num = 0) -> tuple[Line, ...]:
    """piece_tokens: tokens of one piece, where the loss goes in pieces."""
    batch, v, when = draft.batch, draft.facts.vocab_size, draft.when
    need = most(head_of(draft, loss), Extent(piece_tokens, batch.tokens, 0))
    # without autocast the head computes in the type that reaches it
    logit_bits = draft.compute_bits if draft.autocast else draft.ways.flow_bits
    held = loss.held_bits(logit_bits) // 8 * v * batch.tokens
    line = Line("Logits and loss", Kind.LOGITS, DEVICE, need, when.loss, Slot.LOSS, _why(need, v, batch.tokens))
    tied = (*_step_before(draft, loss, need, held, piece_tokens), *_sum_of_tied(draft))
    if type(held) is int and not held:
        return (line, *tied)
    return (
        line,
        Line(
            "Logits held by the loop",
            Kind.LOGITS,
            DEVICE,
            held,
            when.layer_last | when.layer_first | when.backward_end | when.update,
            Slot.LOSS,
            Why("The loop still names the model's outputs: {n} bytes of logits until the next step.", (("n", held),)),
        ),
        *tied,
    )


def _step_before(draft: Draft, loss: Loss, need: Num, held: Num, piece_tokens: Num) -> tuple[Line, ...]:
    """Where the loop still names the last step's loss and outputs: what they hold while the next loss is being made."""
    if not draft.loop.keeps_graph:
        return ()
    batch, when = draft.batch, draft.when
    extent = Extent(batch.seq, batch.tokens, batch.tokens * batch.seq)
    left = measure(blocks_of(draft).left, extent)
    if draft.loop.rare_length:  # the next batch has no such row: of what meets there nothing to all, so half of it
        left = left // 2
    forward = most(head_forward_of(draft, loss), Extent(piece_tokens, batch.tokens, 0))
    more = maximum(left + forward, need) - need
    why = "The last step's loss is still named: {n} bytes of what its quantised matmuls read, and {h} of its logits."
    numbers = ("n", left), ("h", held)
    return (
        Line("Held from the step before", Kind.ACTIVATIONS, DEVICE, more, when.loss, Slot.LOSS, Why(why, numbers)),
        Line(
            "Held from the step before", Kind.ACTIVATIONS, DEVICE, left, when.forward_end, Slot.LOSS, Why(why, numbers)
        ),
    )


def _why(need: Num, v: int, tokens: Num) -> Why:
    if type(need) is not int or abs(need - 12 * v * tokens) * 6 < need:
        return Why(MANY_TOKENS, (("v", v), ("t", tokens)))
    if 5 * need > 6 * 14 * v * tokens:
        return Why(FEW_TOKENS, (("v", v), ("t", tokens)))
    return Why(OTHERWISE, (("v", v), ("t", tokens), ("n", round(need / max(1, v * tokens), 1))))


def _sum_of_tied(draft: Draft) -> tuple[Line, ...]:
    """Beside both gradients of a tied embedding their sum: the head's is a view of a matmul's result, and autograd adds
    into a view out of place. The gradient that reached the embedding is gone by then."""
    sums = stored(draft.stacks[-1])
    embedding = sums.of_embedding if sums.tied else 0
    if not embedding:
        return ()
    flow = (draft.flow_bits or draft.compute_bits) // 8 * draft.facts.hidden_size * draft.batch.tokens
    size = maximum(embedding, flow) - flow
    if type(size) is int and not size:
        return ()
    return (
        Line(
            "Sum of the tied embedding's gradients",
            Kind.GRADIENTS,
            DEVICE,
            size,
            draft.when.backward_end,
            Slot.LOSS,
            Why("The head's and the embedding's gradient are added into a third of the same size."),
        ),
    )
