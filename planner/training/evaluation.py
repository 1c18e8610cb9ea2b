"""Evaluating between two steps: the forward pass on an evaluation's batch, beside what training leaves in place.

As transformers' Trainer does it (trainer.py, evaluation_loop; trainer_pt_utils.py, EvalLoopContainer, 5.23): a loss
alone, or the logits of all batches as well, which are put together anew with each batch. A plan's own evaluation is of the
first kind: `between_steps` writes its blocks, the technique of the loss its head; what stays beside them are the step's
own lines, which live on in those instants.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.autograd.head import Loss
from planner.draft import Draft
from planner.forward_alone import body_lines, forward_lines, loss_alone_lines
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.slots import Slot
from planner.timeline import EVALUATE, LATER, stretches
from planner.units import Num


def instants(stage: int) -> tuple[At, At, At]:
    """Of the fullest block, of head and loss, and of the logits being put together."""
    when = stretches(stage, evaluates=True)
    (at_blocks,), (at_loss,) = when.evaluating, when.evaluating_loss
    return at_blocks, at_loss, At(stage, EVALUATE, "gathered")


def between_steps(draft: Draft) -> tuple[Line, ...]:
    """The forward pass of a plan's evaluation but for its loss; nothing where the run evaluates nothing.

    On the CPU accelerate's loader has the next batch ready while one is computed; on a card they are moved one by one.
    """
    if draft.evaluation is None:
        return ()
    when = draft.when
    batches = 2 if draft.device == "cpu" else 1
    lines = body_lines(draft.evaluation, when.evaluating, when.evaluating_loss, batches)
    facts = draft.facts
    if facts.positions != "learned" or facts.token_types:
        return lines
    return (*(x for x in lines if x.what != "Embedded batch"), _embedded(draft.evaluation, when.evaluating))


def _embedded(draft: Draft, alive: frozenset[At]) -> Line:
    """Embeddings of tokens and of positions, both held by the model's forward pass; their sum goes into the first block."""
    facts, batch, element = draft.facts, draft.batch, draft.ways.flow_bits // 8
    numbered = batch.tokens if facts.positions_by_row else batch.seq
    size = element * facts.hidden_size * batch.tokens + numbered * (element * facts.hidden_size + 8)
    why = Why(
        "The embedding's result and that of {n} positions, held until the forward pass is over.", (("n", numbered),)
    )
    return Line("Embedded tokens and positions", Kind.ACTIVATIONS, DEVICE, size, alive, Slot.OBJECTIVE, why)


def evaluated_loss(draft: Draft, loss: Loss, piece_tokens: Num = 0) -> tuple[Line, ...]:
    """Head and loss of a plan's evaluation; piece_tokens: as for `loss_lines`, of the evaluation's batch."""
    if draft.evaluation is None:
        return ()
    return loss_alone_lines(draft.evaluation, loss, piece_tokens, draft.when.evaluating_loss, Slot.LOSS)


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
