"""Attention by torch's scaled_dot_product_attention: the scores are made in tiles and never stored."""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import per_pair, per_token
from planner.autograd.operations import batched_matmul, repeat, scale, softmax
from planner.autograd.tape import Gradients, Tape, Value
from planner.draft import Draft, Heads
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import ScriptPart


def attend(t: Tape, heads: Heads, q: Value, k: Value, v: Value, mask: Value | None) -> tuple[Value, None]:
    """Keeps q, k, v, the result and one float32 a head and token; with a mask also that mask in q's type, once a block.

    With a mask transformers copies each key and value head for its query heads first. CPU: counted here. CUDA: flash
    without a mask, memory-efficient with one, and for float32 (aten/src/ATen/native/transformers/cuda/sdp_utils.cpp;
    never run on a card here). The memory-efficient kernel wants as many key and value heads as query heads; where
    float32 comes with fewer and without a mask, no kernel is left but the written-out formula.
    """
    if mask is None and _is_written_out(t.device, q.bits, heads.n_kv_heads, heads.n_heads):
        return _written_out(t, heads, q, k, v), None
    if mask is not None:
        times = heads.n_heads // heads.n_kv_heads
        k, v = repeat(t, k, heads.n_kv_heads, times), repeat(t, v, heads.n_kv_heads, times)
    bias = [t.new(mask.elements, q.bits)] if mask is not None else []
    normalizer = t.new(per_token(heads.n_heads), 32)

    def back(g: Value, saved: list[Any]) -> Gradients:
        return [t.new(x, g.bits) for x in shapes]

    shapes = (q.elements, k.elements, v.elements)
    kept = [q, k, v, *bias, normalizer]
    return t.result(q.elements, q.bits, [q, k, v], back, keep=kept, keep_result=True), None


def _written_out(t: Tape, heads: Heads, q: Value, k: Value, v: Value) -> Value:
    """`_scaled_dot_product_attention_math` (attention.cpp): all scores, and the causal mask as numbers added in place.

    Its softmax looks for rows that are masked whole, and so has its result twice for a moment.
    """
    times = heads.n_heads // heads.n_kv_heads
    causal = t.new(per_pair(1), q.bits)  # one for all rows of the batch, counted for each
    q = scale(t, q)
    k, v = repeat(t, k, heads.n_kv_heads, times), repeat(t, v, heads.n_kv_heads, times)
    scores = batched_matmul(t, q, scale(t, k), per_pair(heads.n_heads))
    first, masked = t.new(scores.elements, scores.bits), t.new(scores.elements, 8)
    shares = softmax(t, scores)
    del first, masked, scores
    mixed = batched_matmul(t, shares, v, per_token(heads.n_heads * heads.head_dim))
    del causal
    return mixed


def _is_written_out(device: str, bits: int, n_kv_heads: int, n_heads: int) -> bool:
    """Where no kernel of a card takes the heads as they are, unless a mask has them copied first."""
    return device != "cpu" and bits == 32 and n_kv_heads != n_heads


def _needs_mask(draft: Draft) -> bool:
    """Rows of different length need one, and rows longer than a sliding window; on a grid, if any of its rows is."""
    window = draft.facts.sliding_window
    longer = draft.batch.seq > window if window else False
    return draft.batch.padded or bool(longer if isinstance(longer, bool) else longer.any())


class AttentionSdpa:
    slot = Slot.ATTENTION
    name = "sdpa"
    label = "SDPA"
    short = "SDPA"
    summary = "Attention in tiles: the scores of all token pairs are never stored."
    reference = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html"
    twin = "attention_sdpa"
    Options = NoOptions

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        if not plan.model.attention_dropout:
            return []
        fact = f"{plan.model.name} drops attention weights at random, and what SDPA does then is not computed yet."
        return [Problem("sdpa.attention_dropout", fact, "Choose eager attention.")]

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        written_out = _is_written_out(draft.device, draft.compute_bits, draft.facts.n_kv_heads, draft.facts.n_heads)
        mask_bits = 8 if _needs_mask(draft) else 0
        return draft._replace(attend=attend, mask_bits=mask_bits, heavier_without_mask=written_out)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(load=(("attn_implementation", '"sdpa"'),))
