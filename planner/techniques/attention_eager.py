"""Attention as the formula is written: the scores of all token pairs are stored, length × length for each head."""

from __future__ import annotations

from planner.autograd.amount import per_pair, per_token
from planner.autograd.operations import (
    add,
    batched_matmul,
    cast,
    contiguous,
    dropout,
    relu,
    repeat,
    scale,
    softmax,
    softmax_in_float32,
    transposed,
)
from planner.autograd.tape import Tape, Value
from planner.draft import Draft, Heads
from planner.options import NoOptions
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.technique import Cost, ScriptPart


def attend(t: Tape, heads: Heads, q: Value, k: Value, v: Value, mask: Value | None) -> tuple[Value, Value]:
    """transformers' eager_attention_forward: scores, scaled, masked, softmax in float32, back in q's type."""
    times = heads.n_heads // heads.n_kv_heads
    keys, values = repeat(t, k, heads.n_kv_heads, times), repeat(t, v, heads.n_kv_heads, times)
    # a single head is a view until then: a batched matmul reads one matrix for each query head
    matrices = contiguous if heads.n_kv_heads == 1 and times > 1 else _in_one_piece
    scores = scale(t, batched_matmul(t, _in_one_piece(t, q), matrices(t, keys), per_pair(heads.n_heads)))
    if heads.capped:
        scores = scale(t, relu(t, scale(t, scores)))  # tanh keeps its result, as relu does
    if mask is not None:
        scores = add(t, scores, mask)
    scores = softmax(t, scores) if heads.narrow else cast(t, softmax_in_float32(t, scores), q.bits)
    if heads.dropped:
        scores = dropout(t, scores)
    mixed = batched_matmul(t, scores, matrices(t, values), per_token(heads.n_heads * heads.head_dim))
    return contiguous(t, mixed), scores


def _in_one_piece(t: Tape, x: Value) -> Value:
    """As a batched matmul reads it: what is a part of a larger result is copied out of it, the rest counts as itself."""
    part = any(whole > n * x.bits // 8 for whole, n in zip(x.storage.bytes, x.elements, strict=True))
    return contiguous(t, x) if part else transposed(t, x)


class AttentionEager:
    slot = Slot.ATTENTION
    name = "eager"
    label = "eager"
    short = "eager attention"
    summary = "Attention as the formula is written: stores length × length scores for each head."
    reference = "https://arxiv.org/abs/1706.03762"
    twin = "attention_eager"
    Options = NoOptions
    cost = Cost(
        time=1.05,
        source="measured with the embedded model on a CPU, rows of 192 tokens; the longer the rows, the slower",
    )

    def problems(self, plan: Plan, options: NoOptions) -> list[Problem]:
        return []

    def apply(self, options: NoOptions, draft: Draft) -> Draft:
        return draft._replace(attend=attend, mask_bits=draft.compute_bits)

    def script(self, options: NoOptions, plan: Plan) -> ScriptPart:
        return ScriptPart(load=(("attn_implementation", '"eager"'),))
