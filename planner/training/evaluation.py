"""Evaluating between two steps: the forward pass on an evaluation's batch, beside what training leaves in place.

As transformers' Trainer does it (trainer.py, evaluation_loop; trainer_pt_utils.py, EvalLoopContainer, 5.23): a loss
alone, or the logits of all batches as well, which are put together anew with each batch.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.autograd.head import Loss
from planner.draft import Draft
from planner.forward_alone import forward_lines
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.slots import Slot
from planner.timeline import LATER
from planner.units import Num


def instants(stage: int) -> tuple[At, At, At]:
    """Of the fullest block, of head and loss, and of the logits being put together."""
    return At(stage, "evaluate", "forward_end"), At(stage, "evaluate", "loss"), At(stage, "evaluate", "gathered")


def evaluation_lines(
    draft: Draft, training: Iterable[Line], loss: Loss, piece_tokens: Num = 0, kept_batches: int = 0
) -> tuple[Line, ...]:
    """draft: with the evaluation's batch. training: the lines of the steps around it.

    kept_batches: whose logits stay on the device at the most: all of an evaluation, or `eval_accumulation_steps`; 0
    where only the loss counts (`prediction_loss_only`).
    """
    at_blocks, at_loss, _ = instants(draft.stage)
    forward = forward_lines(draft, loss, piece_tokens, frozenset((at_blocks,)), frozenset((at_loss,)))
    return (*_staying(draft.stage, training), *forward, *_logits(draft, kept_batches))


def _staying(stage: int, training: Iterable[Line]) -> tuple[Line, ...]:
    """What is on the device in the update and still in the next forward pass; gradients are dropped in between."""
    between = {At(stage, LATER, "update"), At(stage, LATER, "forward_end")}
    everywhere = frozenset(instants(stage))
    return tuple(
        x._replace(alive=everywhere)
        for x in training
        if x.alive >= between and x.place == DEVICE and x.kind is not Kind.GRADIENTS
    )


def _logits(draft: Draft, n: int) -> tuple[Line, ...]:
    """Of n batches: those so far beside the next forward pass, and the copy that each batch makes of all of them."""
    if not n:
        return ()
    at_blocks, at_loss, gathered = instants(draft.stage)
    bits = 32 if draft.autocast else draft.ways.flow_bits  # accelerate widens what a model under autocast returns
    one = draft.facts.vocab_size * draft.batch.tokens * bits // 8
    why = Why("Logits of {n} batches, {b} bytes each, stay where they were made.", (("n", n), ("b", one)))
    # the loop still names the last batch's own, which is a part of the others only while there are no others
    before = n - 1 + (n > 2)
    lines = (
        Line(
            "Logits kept so far",
            Kind.LOGITS,
            DEVICE,
            before * one,
            frozenset((at_blocks, at_loss)),
            Slot.OBJECTIVE,
            why,
        ),
        Line(
            "Logits put together",
            Kind.LOGITS,
            DEVICE,
            (2 * n if n > 1 else 1) * one,
            frozenset((gathered,)),
            Slot.OBJECTIVE,
            why,
        ),
    )
    return tuple(x for x in lines if type(x.bytes) is not int or x.bytes)
