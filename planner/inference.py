"""Reading a prompt and writing on: weights, the cache of keys and values, one block's work, logits.

The fullest instant is one of four: all weights loaded; the last block at work on the prompt; the prompt's logits; the
last token of the answer, when the cache is longest. Written for a draft, as lines, so that whatever changes a draft
changes these too. Knows no chat template and samples nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from planner.draft import Draft
from planner.facts.model.families.cache import cached_elements, cached_heads, cached_positions
from planner.forward_alone import block_lines
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.slots import Slot
from planner.units import Num
from planner.weights.loaded import LOADED, weight_lines

READ_BLOCKS = At(0, "prompt", "read_blocks")
READ_LOGITS = At(0, "prompt", "read_logits")
NEXT_TOKEN = At(0, "answer", "next_token")
TIMELINE = (LOADED, READ_BLOCKS, READ_LOGITS, NEXT_TOKEN)
ALWAYS = frozenset(TIMELINE)
READING = frozenset((READ_BLOCKS, READ_LOGITS))
WRITING = frozenset((NEXT_TOKEN,))
RUNNING = READING | WRITING

SAMPLING_BYTES = 28
"""Of each entry of the vocabulary and row while a token is drawn from the most probable ones: float32 scores (4), sorted
(4) with their 64-bit places (8), softmax (4), its running sum (4), and the scores that are left (4)."""


class Writing(NamedTuple):
    """How an answer is written. The draft's batch is the prompt: rows × tokens.

    new_tokens: of the answer. cache_bits: of keys and values; scale_bits: of the scales beside each head's vector where
    the cache is quantised. laid_out: the cache is there in full length from the start. twice: the cache of the step
    before is held whole while the next one is made from it (transformers' tuples of keys and values, up to 4.41); else
    only one layer's is there twice at a time. in_pieces: the prompt is read in pieces too short to matter.
    all_logits: of every position of the prompt; wide_logits: a float32 copy of them beside.
    rotary_positions: of tables of cosines and sines that every layer keeps for itself, 0 without.
    """

    new_tokens: int
    cache_bits: int
    scale_bits: int = 0
    laid_out: bool = False
    twice: bool = False
    in_pieces: bool = False
    all_logits: bool = False
    wide_logits: bool = False
    rotary_positions: int = 0


def _line(what: str, kind: Kind, size: Num, alive: frozenset[At], why: str, *numbers: tuple[str, Any]) -> Line:
    return Line(what, kind, DEVICE, size, alive, Slot.OBJECTIVE, Why(why, numbers))


def inference_lines(draft: Draft, writing: Writing) -> tuple[Line, ...]:
    """All lines of one prompt and its answer."""
    lines = [*weight_lines(draft.stacks, draft.device, ALWAYS), *_around(draft, writing)]
    lines += [*_cache(draft, writing), *_reading(draft, writing), *_logits(draft, writing)]
    return tuple([x for x in lines if type(x.bytes) is not int or x.bytes])


def _around(draft: Draft, writing: Writing) -> list[Line]:
    """16-bit copies of wider weights, and the layers' rotary tables."""
    layers = sum(stack.layers for stack in draft.stacks)
    compute = draft.compute_bits
    copied = [
        x.elements * compute // 8
        for stack in draft.stacks
        for x in stack.tensors
        if draft.autocast and x.role in ("linear", "head", "router") and x.packing is None and x.bits > compute
    ]
    tables = 2 * writing.rotary_positions * draft.facts.rotary_dim * (compute // 8) * layers
    return [
        _line(
            "Copies of weights",
            Kind.WEIGHTS,
            sum(copied),
            RUNNING,
            "Autocast keeps a {b}-bit copy of every matrix until the model's forward pass is over.",
            ("b", compute),
        ),
        _line(
            "Rotary tables",
            Kind.WORKSPACE,
            tables,
            ALWAYS,
            "Each of {n} layers keeps cosines and sines of {p} positions.",
            ("n", layers),
            ("p", writing.rotary_positions),
        ),
    ]


def _cache(draft: Draft, writing: Writing) -> list[Line]:
    """Keys and values of every layer, and what making them longer takes."""
    batch, facts = draft.batch, draft.facts
    whole = batch.seq + writing.new_tokens
    prompt = whole if writing.laid_out else batch.seq
    at_end = 0 if writing.laid_out else _cached(draft, writing, whole)
    layer = at_end // max(facts.n_layers, 1)
    heads = 2 * facts.q_dim * batch.rows * whole * writing.cache_bits // 8
    repeated = heads if draft.loop.repeats_kv and facts.n_kv_heads < facts.n_heads and not writing.laid_out else 0
    why = "{n} elements of {b} bits in all layers for {t} tokens of each row; a window keeps no more than its own."
    b = ("b", writing.cache_bits)
    return [
        _line(
            "Keys and values",
            Kind.ACTIVATIONS,
            _cached(draft, writing, prompt),
            RUNNING if writing.laid_out else READING,
            why,
            ("n", cached_elements(facts, prompt)),
            b,
            ("t", prompt),
        ),
        _line(
            "Keys and values",
            Kind.ACTIVATIONS,
            at_end,
            WRITING,
            why,
            ("n", cached_elements(facts, whole)),
            b,
            ("t", whole),
        ),
        _line(
            "Keys and values, one token shorter",
            Kind.ACTIVATIONS,
            at_end if writing.twice else layer // 2,
            WRITING,
            "Made longer by a copy: "
            + ("all layers' older ones are held to the end of the step." if writing.twice else "one tensor at a time."),
        ),
        _line(
            "Keys and values for all query heads",
            Kind.WORKSPACE,
            repeated,
            WRITING,
            "One layer's, copied {n} times.",
            ("n", facts.n_heads // facts.n_kv_heads),
        ),
    ]


def _cached(draft: Draft, writing: Writing, tokens: Num) -> Num:
    """Bytes of the cache of so many positions, all rows and layers."""
    facts = draft.facts
    scales = 2 * cached_heads(facts) * cached_positions(facts, tokens) * writing.scale_bits
    return (cached_elements(facts, tokens) * writing.cache_bits + scales) // 8 * draft.batch.rows


def _reading(draft: Draft, writing: Writing) -> list[Line]:
    """One block at work on the prompt; all layers' cache is a line of its own."""
    if writing.in_pieces:
        return []
    return list(block_lines(draft, frozenset((READ_BLOCKS,))))


def _logits(draft: Draft, writing: Writing) -> list[Line]:
    batch, vocab = draft.batch, draft.facts.vocab_size
    flow = (draft.flow_bits or draft.compute_bits) // 8
    positions = batch.tokens if writing.all_logits and not writing.in_pieces else batch.rows
    each = draft.compute_bits // 8 + (4 if writing.wide_logits else 0)
    return [
        _line(
            "Logits",
            Kind.LOGITS,
            vocab * each * positions + flow * draft.facts.hidden_size * positions,
            frozenset((READ_LOGITS,)),
            "{v} scores of {b} bytes for {p} positions"
            + (", in the model's type and in float32 at once," if writing.wide_logits else "")
            + " and the last hidden states.",
            ("v", vocab),
            ("b", each),
            ("p", positions),
        ),
        _line(
            "Drawing a token",
            Kind.LOGITS,
            vocab * SAMPLING_BYTES * batch.rows,
            WRITING,
            "{v} scores, sorted, with their places, shares and running sums: {b} bytes each.",
            ("v", vocab),
            ("b", SAMPLING_BYTES),
        ),
    ]
