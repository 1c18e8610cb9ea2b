"""A forward pass with a loss and no way back: what an evaluation and a step without gradients consist of.

Nothing is kept, so that the blocks follow each other in the room of one. Written as lines for a draft, at the instants
that are asked for; the weights and whatever lies beside them are others' lines.
"""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import Extent, measure, most
from planner.autograd.block import blocks_of
from planner.autograd.head import Loss, head_without_gradient_of
from planner.draft import Draft
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.slots import Slot
from planner.units import Num

COPIED = ("linear", "head", "router")


def forward_lines(
    draft: Draft, loss: Loss, piece_tokens: Num, blocks: frozenset[At], at_loss: frozenset[At]
) -> tuple[Line, ...]:
    """blocks: the instant of the fullest block; at_loss: that of head and loss. piece_tokens: as for `loss_lines`."""
    return (*body_lines(draft, blocks, at_loss), *loss_alone_lines(draft, loss, piece_tokens, at_loss))


def body_lines(draft: Draft, blocks: frozenset[At], at_loss: frozenset[At], batches: int = 1) -> tuple[Line, ...]:
    """All but head and loss. batches: that are there at once, where a loop fetches one ahead."""
    batch, facts = draft.batch, draft.facts
    extent = Extent(batch.seq, batch.tokens, batch.tokens * batch.seq)
    cached = measure(blocks_of(draft).cached, extent) if draft.loop.keeps_cache else 0
    both = blocks | at_loss
    lines = (
        _line(
            "Batch",
            Kind.BATCH,
            24 * batch.tokens * batches,
            both,
            "Token ids, mask and labels, 8 bytes each."
            if batches == 1
            else "Token ids, mask and labels, 8 bytes each, of this batch and the next one, fetched ahead.",
        ),
        _line(
            "Copies of weights",
            Kind.WEIGHTS,
            _copied_bytes(draft),
            both,
            "Autocast keeps a {b}-bit copy of every trained matrix until the forward pass is over.",
            ("b", draft.compute_bits),
        ),
        *block_lines(draft, blocks),
        _line(
            "Attention mask",
            Kind.ACTIVATIONS,
            facts.n_masks * draft.mask_bits * batch.tokens * batch.seq // 8,
            blocks,
            "Which token may look at which: {b} bits for each pair of tokens of a row.",
            ("b", draft.mask_bits),
        ),
        _line(
            "Keys and values in the cache",
            Kind.ACTIVATIONS,
            cached,
            both,
            "The forward pass fills a KV cache, which is held with its outputs.",
        ),
    )
    return _those_that_are(lines)


def loss_alone_lines(
    draft: Draft, loss: Loss, piece_tokens: Num, at_loss: frozenset[At], slot: Slot = Slot.OBJECTIVE
) -> tuple[Line, ...]:
    """Final norm, head and loss with no way back. piece_tokens: as for `loss_lines`; of a loss in tiles, rows of one."""
    batch = draft.batch
    need = most(head_without_gradient_of(draft, loss), Extent(piece_tokens, batch.tokens, 0))
    template = "Logits of {t} tokens over {v} entries of the vocabulary, and what the loss makes of them."
    why = Why(template, (("t", batch.tokens), ("v", draft.facts.vocab_size)))
    return _those_that_are((Line("Logits and loss", Kind.LOGITS, DEVICE, need, at_loss, slot, why),))


def _those_that_are(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Without lines of no bytes; on a grid all stay."""
    return tuple(x for x in lines if type(x.bytes) is not int or x.bytes)


def block_lines(draft: Draft, alive: frozenset[At]) -> tuple[Line, ...]:
    """The fullest block of a pass that keeps nothing, and what all blocks read. Without a cache."""
    batch, flow = draft.batch, draft.ways.flow_bits // 8
    extent = Extent(batch.seq, batch.tokens, batch.tokens * batch.seq)
    plain = draft._replace(loop=draft.loop._replace(keeps_cache=False))
    return (
        _line(
            "One block, forward",
            Kind.WORKSPACE,
            most(blocks_of(plain).inference, extent),
            alive,
            "What one block makes and drops, its input included. Nothing stays for a way back.",
        ),
        _line(
            "Embedded batch",
            Kind.ACTIVATIONS,
            flow * draft.facts.hidden_size * batch.tokens,
            alive,
            "The model's forward pass holds what the embedding made of {t} tokens to its end.",
            ("t", batch.tokens),
        ),
        _line(
            "Rotary positions",
            Kind.ACTIVATIONS,
            2 * flow * draft.facts.rotary_dim * batch.seq,
            alive,
            "Cosine and sine of {s} positions, shared by all blocks.",
            ("s", batch.seq),
        ),
    )


def _copied_bytes(draft: Draft) -> int:
    if not draft.autocast:
        return 0
    wider = [
        x.elements
        for stack in draft.stacks
        for x in stack.tensors
        if x.trained and x.role in COPIED and x.packing is None and x.bits > draft.compute_bits
    ]
    return sum(wider) * draft.compute_bits // 8


def _line(what: str, kind: Kind, size: Num, alive: frozenset[At], why: str, *numbers: tuple[str, Any]) -> Line:
    return Line(what, kind, DEVICE, size, alive, Slot.OBJECTIVE, Why(why, numbers))
