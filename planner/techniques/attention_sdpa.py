"""Attention by torch's scaled_dot_product_attention: the scores are made in tiles and never stored."""

from __future__ import annotations

from typing import Any

from planner.autograd.amount import per_token
from planner.autograd.operations import repeat
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
    without a mask, memory-efficient with one, and for float32 always (fake traces; never run on a card here).
    """
    if mask is not None or (t.device != "cpu" and q.bits == 32):
        times = heads.n_heads // heads.n_kv_heads
        k, v = repeat(t, k, heads.n_kv_heads, times), repeat(t, v, heads.n_kv_heads, times)
    bias = [t.new(mask.elements, q.bits)] if mask is not None else []
    normalizer = t.new(per_token(heads.n_heads), 32)

    def back(g: Value, saved: list[Any]) -> Gradients:
        return [t.new(x, g.bits) for x in shapes]

    shapes = (q.elements, k.elements, v.elements)
    kept = [q, k, v, *bias, normalizer]
    return t.result(q.elements, q.bits, [q, k, v], back, keep=kept, keep_result=True), None


def _needs_mask(draft: Draft) -> bool:
    """Rows of different length need one, and rows longer than a sliding window; on a grid, if any of its rows is."""
    window = draft.facts.sliding_window
    longer = draft.batch.seq > window if window else False
    return draft.batch.padded or bool(longer if isinstance(longer, bool) else longer.any())


class AttentionSdpa:
    slot = Slot.ATTENTION
    name = "sdpa"
    label = "SDPA"
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
        return draft._replace(attend=attend, mask_bits=8 if _needs_mask(draft) else 0)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(load=(("attn_implementation", '"sdpa"'),))
