"""The ledger's lines of a training run but those of its loss and its optimizer: load, sample answer, steps, save.

Weights, adapters, gradients, the batch, and what the blocks keep and work with, in their moments. `loss_lines` and
`optimizers` write the rest; `planner.autograd` says what a block keeps.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from planner.autograd.amount import Extent, measure, most
from planner.autograd.block import Block, Blocks, blocks_of
from planner.draft import Draft, Stack
from planner.ledger import DEVICE, DISK, HOST, At, Kind, Line, Why, new
from planner.slots import Slot
from planner.stored import CHECKPOINTS_AT_ONCE, stored
from planner.timeline import Stretches
from planner.units import Num, maximum
from planner.weights.unused_rests import unused_line
from planner.workspaces import TRAINING_THREADS, workspace_lines


def fine_tune_lines(draft: Draft) -> tuple[Line, ...]:
    """All lines of training but those of the loss and of the optimizer."""
    when, stacks = draft.when, draft.stacks
    blocks = blocks_of(draft)
    made = [_end_of_backward(draft, when), *_activations(draft, blocks, when), *_around(draft, blocks.last, when)]
    return (
        *_stored(stacks, when, draft.device),
        *_gradients(stacks, when, draft.schedule.grad_accumulation > 1, draft.loop.takes_gradients),
        *_saved(stacks, when),
        *workspace_lines(draft.device, draft.capability, TRAINING_THREADS, _held(when)),
        *_those_that_are(made),
    )


@lru_cache(maxsize=64)
def _held(when: Stretches) -> frozenset[At]:
    """In all steps, and in what goes on between them: the loop still names a step's batches then."""
    return when.training | when.between


@lru_cache(maxsize=64)
def _answering(when: Stretches) -> frozenset[At]:
    return when.sample | when.answering


def _those_that_are(lines: list[Line]) -> tuple[Line, ...]:
    """Without lines of no bytes; on a grid all stay."""
    return tuple([x for x in lines if type(x.bytes) is not int or x.bytes])


def _line(
    what: str, kind: Kind, size: Num, alive: frozenset[At], slot: Slot, why: str, *numbers: tuple[str, Any]
) -> Line:
    return new(Line, (what, kind, DEVICE, size, alive, slot, new(Why, (why, numbers))))


@lru_cache(maxsize=1024)
def _stored(stacks: tuple[Stack, ...], when: Stretches, device: str) -> tuple[Line, ...]:
    """The model's weights and the adapters beside them."""
    lines = [unused_line(stacks, device, when.always)]
    for stack in stacks:
        sums = stored(stack)
        lines += [
            _line(
                "Weights",
                Kind.WEIGHTS,
                sums.weight_bytes,
                when.always,
                Slot.WEIGHTS,
                (
                    "{n} elements: the blocks' matrices in {c} bytes of codes and their scales, the rest of {b} bytes each."
                    if sums.packed_bytes
                    else "{n} elements of {b} bytes each, and {r} bytes of rotary frequencies."
                )
                + (" The head is tied to the embedding and stored once with it." if sums.tied else ""),
                ("n", sums.weight_elements),
                ("b", sums.bits // 8),
                ("r", sums.weight_bytes - sums.weight_elements * sums.bits // 8),
                ("c", sums.packed_bytes),
            ),
            _line(
                "One tensor being copied",
                Kind.WORKSPACE,
                sums.largest_bytes,
                when.load,
                Slot.WEIGHTS,
                "While loading, each tensor is for a moment there twice; the largest has {n} bytes.",
                ("n", sums.largest_bytes),
            ),
            _line(
                "Adapter",
                Kind.ADAPTER,
                sums.adapter_bytes,
                when.always,
                Slot.TRAINABLE,
                "{n} trained elements of {b} bytes, beside {m} frozen ones.",
                ("n", sums.adapter_elements),
                ("b", sums.adapter_bits // 8),
                ("m", sums.weight_elements),
            ),
        ]
    return _those_that_are(lines)


@lru_cache(maxsize=1024)
def _saved(stacks: tuple[Stack, ...], when: Stretches) -> tuple[Line, ...]:
    """What is written of the model: in each checkpoint and as the result, the adapter or all weights."""
    every = [stored(stack) for stack in stacks]
    size = sum(x.adapter_bytes or x.weight_bytes for x in every)
    why = "{n} bytes in each of {k} checkpoints that lie on the disk at once, and in the result."
    numbers = (("n", size), ("k", CHECKPOINTS_AT_ONCE))
    alive, total = when.save, size * (CHECKPOINTS_AT_ONCE + 1)
    return (Line("Saved model", Kind.WEIGHTS, DISK, total, alive, Slot.TRAINABLE, Why(why, numbers)),)


@lru_cache(maxsize=1024)
def _gradients(stacks: tuple[Stack, ...], when: Stretches, accumulated: bool, taken: bool) -> tuple[Line, ...]:
    """One gradient for each trained element, made as backward goes down through the model.

    A tied embedding gets two, from the head first and from the embedding last. With accumulation all gradients of
    earlier micro-batches stay, and each new one is added and dropped at once. taken: none stays at all.
    """
    sums, last = stored(stacks[0]), stored(stacks[-1])
    of_end = last.of_head + last.of_final_norm
    of_blocks = sum(stored(stack).of_block * stack.layers for stack in stacks)
    total = of_blocks + of_end + sums.of_positions + (0 if sums.tied else sums.of_embedding)
    why = "One of the weight's own type for each of {n} trained elements."
    n = sum(stored(stack).trained_elements for stack in stacks)
    if accumulated or taken:
        made = [
            _line("Gradients", Kind.GRADIENTS, 0 if taken else total, when.training, Slot.TRAINABLE, why, ("n", n)),
            _line(
                "Gradient of the tied head",
                Kind.GRADIENTS,
                sums.of_head if sums.tied else 0,
                when.layer_last | when.layer_first | when.backward_end,
                Slot.TRAINABLE,
                "Waits for the embedding's, which comes last.",
            ),
        ]
        return _those_that_are(made)
    so_far = "Of {n} trained elements, those that backward has passed."
    made = [_line("Gradients", Kind.GRADIENTS, total, when.update, Slot.TRAINABLE, why, ("n", n))]
    for size, moment in (
        (of_end, when.layer_last),
        (of_end + of_blocks - sums.of_block, when.layer_first),
        (of_end + of_blocks, when.backward_end),
    ):
        made.append(_line("Gradients so far", Kind.GRADIENTS, size, moment, Slot.TRAINABLE, so_far, ("n", n)))
    return _those_that_are(made)


def _flow(draft: Draft) -> Num:
    """Bytes of one hidden state of the batch."""
    return (draft.flow_bits or draft.compute_bits) // 8 * draft.facts.hidden_size * draft.batch.tokens


def _end_of_backward(draft: Draft, when: Stretches) -> Line:
    """What follows the first block: the embedding's gradient where it is trained.

    With adapters the embedding only hands its result on; where blocks are remade it holds it, and its gradient.
    """
    sums = stored(draft.stacks[0])
    flow = _flow(draft)
    waiting = 2 * flow + (flow + _noise(draft) if draft.facts.embedding_dropout else 0)
    trained = sums.of_embedding > 0
    embedding: Num = sums.of_embedding
    if draft.schedule.grad_accumulation == 1 and not draft.loop.takes_gradients:
        embedding += sums.of_positions
    elif (
        sums.of_positions
    ):  # one is added and dropped before the other is made, and before the tied head's is added to that
        embedding = maximum(embedding, sums.of_positions - (maximum(embedding - flow, 0) if sums.tied else 0))
    return _line(
        "End of backward",
        Kind.GRADIENTS if trained else Kind.WORKSPACE,
        embedding + flow if trained else (waiting if draft.recompute else 0),
        when.backward_end,
        Slot.TRAINABLE,
        "The gradient that reaches the embedding, and what the embedding makes of it."
        + (" Tied to the head, it gets a second one from there." if sums.tied and trained else ""),
    )


def _activations(draft: Draft, blocks: Blocks, when: Stretches) -> list[Line]:
    """What the blocks keep for backward, and what one block works with."""
    batch, layers, first, last = draft.batch, blocks.layers, blocks.first, blocks.last
    extent = Extent(batch.seq, batch.tokens, batch.tokens * batch.seq)
    others, cached = measure(blocks.others_kept, extent), measure(blocks.cached, extent)
    kept = (
        "All blocks but the last ({n}): only the input, {b} bytes a block and token; the rest is made again in backward."
        if draft.recompute
        else "All blocks but the last ({n}): what their backward reads, at most {b} bytes a block and token."
    )
    if last.kept[3] and not draft.recompute:
        kept += " And {p} bytes for each pair of tokens of a row."
    why_kept = Why(kept, (("n", layers - 1), ("b", last.kept[2]), ("p", last.kept[3])))
    # the model's forward holds the embedding's result to its end, kept for backward or not; not where it adds positions
    added = draft.facts.positions in ("learned", "alibi") and not draft.facts.token_types
    embedded = 0 if first.keeps_input or layers == 1 or added else _flow(draft)
    offloaded: list[Line] = []
    if draft.loop.offloaded:
        why = Why("Goes to the computer's memory as soon as it is made, and comes back block by block.")
        away = others - measure(first.kept, extent) if layers > 1 else 0
        offloaded = [
            Line("Kept for backward", Kind.ACTIVATIONS, HOST, away, when.blocks, Slot.ACTIVATION, why),
        ]
        others = others - away
    return [
        *offloaded,
        Line("Kept so far", Kind.ACTIVATIONS, DEVICE, others + embedded, when.forward_end, Slot.ACTIVATION, why_kept),
        Line("Kept for backward", Kind.ACTIVATIONS, DEVICE, others, when.kept, Slot.ACTIVATION, why_kept),
        *(_cached(draft, cached, layers, when) if draft.loop.keeps_cache else ()),
        _line(
            "Kept by the last block",
            Kind.ACTIVATIONS,
            measure(last.kept, extent),
            when.loss,
            Slot.ACTIVATION,
            "The same of the last block, which the loss goes back into first.",
        ),
        _line(
            "One block, forward",
            Kind.WORKSPACE,
            most(last.forward, extent),
            when.forward_end,
            Slot.ACTIVATION,
            "What the last block keeps, and what it makes and drops on the way.",
        ),
        _line(
            "One block, backward",
            Kind.WORKSPACE,
            most(last.backward, extent),
            when.layer_last,
            Slot.ACTIVATION,
            "What the last block kept or makes again, its gradients, and what it makes and drops on the way back.",
        ),
        _line(
            "One block, backward",
            Kind.WORKSPACE,
            most(first.backward, extent),
            when.layer_first,
            Slot.ACTIVATION,
            "What the first block kept or makes again, its gradients, and what it makes and drops on the way back.",
        ),
    ]


def _noise(draft: Draft) -> Num:
    """Bytes that dropout keeps of one hidden state: as wide as it is on the CPU, one byte an element on a card."""
    return _flow(draft) if draft.device == "cpu" else draft.facts.hidden_size * draft.batch.tokens


def _with_positions(draft: Draft, when: Stretches) -> tuple[Line, ...]:
    """Embeddings of tokens and of positions: their sum goes into the first block, the model's forward holds both.

    Where blocks are remade and the embedding is frozen, its result wants a gradient all the same and stays for it.
    """
    f, batch = draft.facts, draft.batch
    if f.positions != "learned" or f.token_types:
        return ()
    trained = stored(draft.stacks[0]).of_embedding > 0
    flow, waits = _flow(draft), draft.recompute and not trained
    noise = _noise(draft) if f.embedding_dropout and (trained or waits) else 0
    numbered = batch.tokens if f.positions_by_row else batch.seq
    positions = numbered * ((draft.flow_bits or draft.compute_bits) // 8 * f.hidden_size + 8)
    return (
        _line(
            "Embedded tokens and positions",
            Kind.ACTIVATIONS,
            flow + positions + noise,
            when.forward_end,
            Slot.OBJECTIVE,
            "The embedding's result and that of {n} positions, held until the forward pass is over.",
            ("n", numbered),
        ),
        _line(
            "Embedded tokens and positions",
            Kind.ACTIVATIONS,
            (flow if waits else 0) + noise,
            when.loss | when.layer_last | when.layer_first,
            Slot.OBJECTIVE,
            "The embedding's result, which waits for its gradient, or what dropout keeps of it.",
        ),
    )


def _cached(draft: Draft, size: Num, layers: int, when: Stretches) -> tuple[Line, ...]:
    """Keys and values that the outputs hold."""
    alive = when.blocks | (when.backward_end | when.update if draft.loop.keeps_outputs else frozenset())
    why = Why("The forward pass fills a KV cache of {n} blocks, which is held with its outputs.", (("n", layers),))
    return (Line("Keys and values in the cache", Kind.ACTIVATIONS, DEVICE, size, alive, Slot.OBJECTIVE, why),)


def _around(draft: Draft, block: Block, when: Stretches) -> list[Line]:
    """The batch itself, what all blocks read, and the sample answer's keys and values."""
    batch, f, e = draft.batch, draft.facts, (draft.flow_bits or draft.compute_bits) // 8
    mask = f.n_masks * draft.mask_bits // 8 * batch.tokens * batch.seq if draft.mask_bits else 0
    rotary = 2 * e * f.rotary_dim * batch.seq
    answer = draft.sample_tokens
    accumulation = draft.schedule.grad_accumulation if draft.accumulation is None else draft.accumulation
    batches = accumulation + (draft.device == "cpu")
    return [
        _line(
            "Batch",
            Kind.BATCH,
            24 * batch.tokens * batches,
            _held(when),
            Slot.OBJECTIVE,
            "Token ids, mask and labels, 8 bytes each: {t} tokens a batch × {n}, all batches of one step"
            + (" and the next one, fetched ahead." if draft.device == "cpu" else "."),
            ("t", batch.tokens),
            ("n", batches),
        ),
        _line(
            "Rotary positions",
            Kind.ACTIVATIONS,
            rotary,
            when.blocks,
            Slot.OBJECTIVE,
            "Cosine and sine of {s} positions, shared by all blocks.",
            ("s", batch.seq),
        ),
        *_with_positions(draft, when),
        _line(
            "Attention mask",
            Kind.ACTIVATIONS,
            mask,
            when.blocks if draft.recompute else when.forward_end,
            Slot.ATTENTION,
            "Which token may look at which: {b} bits for each pair of tokens of a row.",
            ("b", draft.mask_bits),
        ),
        _line(
            "Keys and values of the sample",
            Kind.ACTIVATIONS,
            2 * f.n_layers * f.kv_dim * e * answer,
            _answering(when),
            Slot.OBJECTIVE,
            "For at most {n} tokens of prompt and answer, in {l} blocks.",
            ("n", answer),
            ("l", f.n_layers),
        ),
        _line(
            "One block, writing",
            Kind.WORKSPACE,
            most(block.inference, Extent(answer, answer, answer * answer)),
            _answering(when),
            Slot.OBJECTIVE,
            "What one block makes and drops while it reads the prompt.",
        ),
    ]
