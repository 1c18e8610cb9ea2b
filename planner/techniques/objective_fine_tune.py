"""Supervised fine-tuning: load, a sample answer, steps of forward, loss, backward and update, save.

Writes the lines of weights, adapters, gradients, batch, and of what the blocks keep and work with. The loss and the
optimizer write their own.
"""

from __future__ import annotations

from dataclasses import replace

from planner.block import block_of
from planner.draft import Draft, Tensor
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.tape import Extent, measure, most
from planner.techniques.technique import ScriptPart
from planner.timeline import Stretches, stretches
from planner.units import Num

BACKWARD = ("layer_last", "layer_first")


class ObjectiveFineTune:
    slot = Slot.OBJECTIVE
    name = "fine_tune"
    label = "fine-tune"
    summary = "Learns to continue the rows of the data set."
    reference = "https://huggingface.co/docs/trl/sft_trainer"
    twin = ""
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        when = stretches(draft.stage)
        lines = (*_stored(draft, when), *_gradients(draft, when), *_activations(draft, when), *_around(draft, when))
        return replace(draft, timeline=when.timeline, lines=(*draft.lines, *(x for x in lines if x is not None)))

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart()


def _line(
    what: str, kind: Kind, size: Num, alive: frozenset[At], slot: Slot, why: str, **numbers: object
) -> Line | None:
    """A line, or None where there is nothing."""
    if type(size) is int and not size:
        return None
    return Line(what, kind, DEVICE, size, alive, slot, Why(why, tuple(numbers.items())))


def _stored(draft: Draft, when: Stretches) -> list[Line | None]:
    """The model's weights and the adapters beside them."""
    weights = [x for stack in draft.stacks for x in stack.tensors if x.role != "adapter"]
    adapters = [x for stack in draft.stacks for x in stack.tensors if x.role == "adapter"]
    elements = sum(x.elements for x in weights if not x.tied)
    largest = max(x.bytes // x.count for x in weights)
    return [
        _line(
            "Weights",
            Kind.WEIGHTS,
            sum(x.bytes for x in weights),
            when.always,
            Slot.WEIGHTS,
            "{n} elements of {b} bytes each; a head tied to the embedding is stored once.",
            n=elements,
            b=weights[0].bits // 8,
        ),
        _line(
            "One tensor being copied",
            Kind.WORKSPACE,
            largest,
            when.load,
            Slot.WEIGHTS,
            "While loading, each tensor is for a moment there twice; the largest has {n} bytes.",
            n=largest,
        ),
        _line(
            "Adapter",
            Kind.ADAPTER,
            sum(x.bytes for x in adapters),
            when.always,
            Slot.TRAINABLE,
            "{n} trained elements of {b} bytes, beside {m} frozen ones.",
            n=sum(x.elements for x in adapters),
            b=adapters[0].bits // 8 if adapters else 0,
            m=elements,
        ),
    ]


def _gradients(draft: Draft, when: Stretches) -> list[Line | None]:
    """One gradient for each trained element, made as backward goes down through the model.

    A tied embedding gets two, from the head first and from the embedding last.
    With accumulation all gradients of earlier micro-batches stay, and each new one is added and dropped at once.
    """
    stack = draft.stacks[-1]
    trained = [x for x in stack.tensors if x.trained]
    of_block = sum(x.elements // x.count * x.bits // 8 for x in trained if _in_block(x))
    embedding = sum(x.bytes for x in trained if x.role == "embedding")
    tied = any(x.tied for x in stack.tensors)
    of_head = embedding if tied else sum(x.bytes for x in trained if x.role == "head")
    of_end = of_head + sum(x.bytes for x in trained if x.role == "final norm")
    flow = draft.compute_bits // 8 * draft.facts.hidden_size * draft.batch.tokens
    why = "One of the weight's own type for each of {n} trained elements."
    n = sum(x.elements for x in trained if not x.tied)
    total = of_block * stack.layers + of_end + (0 if tied else embedding)
    lines: list[Line | None] = []

    def gradients(size: Num, *moments: str) -> None:
        lines.append(_line("Gradients", Kind.GRADIENTS, size, when.of(*moments), Slot.TRAINABLE, why, n=n))

    if draft.schedule.grad_accumulation > 1:
        lines.append(_line("Gradients", Kind.GRADIENTS, total, when.training, Slot.TRAINABLE, why, n=n))
        arriving = of_head if tied else 0
        lines.append(
            _line(
                "Gradient of the tied head",
                Kind.GRADIENTS,
                arriving,
                when.of(*BACKWARD, "backward_end"),
                Slot.TRAINABLE,
                "Waits for the embedding's, which comes last.",
            )
        )
    else:
        gradients(of_end, "layer_last")
        gradients(of_end + of_block * (stack.layers - 1), "layer_first")
        gradients(total, "update")
        gradients(of_end + of_block * stack.layers, "backward_end")
    # an embedding with adapters behind it only hands its result on, and holds it and its gradient where blocks are remade
    last = embedding + flow if embedding else (2 * flow if draft.recompute else 0)
    lines.append(
        _line(
            "End of backward",
            Kind.GRADIENTS if embedding else Kind.WORKSPACE,
            last,
            when.of("backward_end"),
            Slot.TRAINABLE,
            "The gradient that reaches the embedding, and what the embedding makes of it."
            + (" Tied to the head, it gets a second one from there." if tied and embedding else ""),
        )
    )
    return lines


def _in_block(tensor: Tensor) -> bool:
    return tensor.role in ("linear", "bias", "norm", "adapter")


def _activations(draft: Draft, when: Stretches) -> list[Line | None]:
    """What the blocks keep for backward, and what one block works with."""
    stack, batch = draft.stacks[-1], draft.batch
    first, block = block_of(draft, stack, first=True), block_of(draft, stack, first=False)
    last = first if stack.layers == 1 else block
    extent = Extent(batch.seq, batch.tokens, batch.tokens * batch.seq)
    each = measure(block.kept, extent)
    others = measure(first.kept, extent) + (stack.layers - 2) * each if stack.layers > 1 else 0
    kept = (
        "Of {n} blocks: for each token only the block's input; the rest is made again in backward."
        if draft.recompute
        else "Of {n} blocks: for each token what their backward reads, {b} bytes a block and token."
    )
    numbers = {"n": stack.layers - 1, "b": block.kept[2]}
    # the model's forward holds the embedding's result to its end, kept for backward or not
    held = first.keeps_input or stack.layers == 1
    embedded = 0 if held else draft.compute_bits // 8 * draft.facts.hidden_size * batch.tokens
    moments = (("forward_end",), embedded), (("loss", "layer_last"), 0)
    return [
        *(
            _line("Kept for backward", Kind.ACTIVATIONS, others + more, when.of(*at), Slot.ACTIVATION, kept, **numbers)
            for at, more in moments
        ),
        _line(
            "Kept by the last block",
            Kind.ACTIVATIONS,
            measure(last.kept, extent),
            when.of("loss"),
            Slot.ACTIVATION,
            "The same of the last block, which the loss goes back into first.",
        ),
        _line(
            "One block, forward",
            Kind.WORKSPACE,
            most(last.forward, extent),
            when.of("forward_end"),
            Slot.ACTIVATION,
            "What the last block keeps, and what it makes and drops on the way.",
        ),
        _line(
            "One block, backward",
            Kind.WORKSPACE,
            most(last.backward, extent),
            when.of("layer_last"),
            Slot.ACTIVATION,
            "What the last block kept or makes again, its gradients, and what it makes and drops on the way back.",
        ),
        _line(
            "One block, backward",
            Kind.WORKSPACE,
            most(first.backward, extent),
            when.of("layer_first"),
            Slot.ACTIVATION,
            "What the first block kept or makes again, its gradients, and what it makes and drops on the way back.",
        ),
    ]


def _around(draft: Draft, when: Stretches) -> list[Line | None]:
    """The batch itself, what all blocks read, and the sample answer's keys and values."""
    batch, f, e = draft.batch, draft.facts, draft.compute_bits // 8
    mask = draft.mask_bits // 8 * batch.tokens * batch.seq if draft.mask_bits else 0
    rotary = 2 * e * f.head_dim * batch.seq
    stays = ("forward_end", "loss", *BACKWARD)
    first = block_of(draft, draft.stacks[-1], first=False)
    answer = draft.sample_tokens
    batches = draft.schedule.grad_accumulation + (draft.device == "cpu")
    return [
        _line(
            "Batch",
            Kind.BATCH,
            24 * batch.tokens * batches,
            when.training,
            Slot.OBJECTIVE,
            "Token ids, mask and labels of {t} tokens, 8 bytes each, of {n} batches: those of one step, and on the CPU "
            "the next one, fetched ahead.",
            t=batch.tokens,
            n=batches,
        ),
        _line(
            "Rotary positions",
            Kind.ACTIVATIONS,
            rotary,
            when.of(*stays),
            Slot.OBJECTIVE,
            "Cosine and sine of {s} positions, shared by all blocks.",
            s=batch.seq,
        ),
        _line(
            "Attention mask",
            Kind.ACTIVATIONS,
            mask,
            when.of(*(stays if draft.recompute else ("forward_end",))),
            Slot.ATTENTION,
            "Rows of different length share a batch: {b} bytes for each pair of tokens of a row.",
            b=draft.mask_bits // 8,
        ),
        _line(
            "Keys and values of the sample",
            Kind.ACTIVATIONS,
            2 * f.n_layers * f.kv_dim * e * answer,
            when.sample,
            Slot.OBJECTIVE,
            "For at most {n} tokens of prompt and answer, in {l} blocks.",
            n=answer,
            l=f.n_layers,
        ),
        _line(
            "One block, writing",
            Kind.WORKSPACE,
            most(first.inference, Extent(answer, answer, answer * answer)),
            when.sample,
            Slot.OBJECTIVE,
            "What one block makes and drops while it reads the prompt.",
        ),
    ]
