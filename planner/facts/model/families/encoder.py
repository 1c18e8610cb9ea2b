"""BERT, RoBERTa and DeBERTa: encoders whose blocks norm the sum with the residual, without a language-model head."""

from __future__ import annotations

from functools import lru_cache

from planner.autograd.layer import Layer, Shared
from planner.autograd.operations import activation, add, dropout, split_heads
from planner.autograd.tape import Value
from planner.draft import Heads, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families.tensors import (
    attention_sites,
    embeddings,
    feed_forward_sites,
    matmuls,
    norms,
    stored_bits,
)
from planner.problem import fail


@lru_cache(maxsize=256)
def bert_stacks(facts: ModelFacts) -> tuple[Stack, ...]:
    """Tensors of BertModel and RobertaModel, the pooler included."""
    h, n, bits = facts.hidden_size, facts.n_layers, stored_bits(facts)
    sites = (*attention_sites(facts), *feed_forward_sites(facts, False, facts.intermediate_size))
    tensors = (
        *embeddings(facts, bits),
        *norms([("embedding_norm", h)], 1, bits, True, "positions"),
        *matmuls(sites, n, bits),
        *norms([("attention_norm", h), ("output_norm", h)], n, bits, True),
        Tensor("pooler", "pooler", (h, h), 1, bits),
        Tensor("pooler.bias", "pooler", (h,), 1, bits),
    )
    return (Stack(facts, n, tensors, sites),)


@lru_cache(maxsize=256)
def deberta_stacks(facts: ModelFacts) -> tuple[Stack, ...]:
    """Tensors of DebertaV2Model: relative positions in place of learned ones, shared by all layers; no pooler."""
    h, n, bits = facts.hidden_size, facts.n_layers, stored_bits(facts)
    sites = (*attention_sites(facts), *feed_forward_sites(facts, False, facts.intermediate_size))
    tensors = (
        *embeddings(facts, bits),
        *norms([("embedding_norm", h)], 1, bits, True, "positions"),
        *matmuls(sites, n, bits),
        *norms([("attention_norm", h), ("output_norm", h)], n, bits, True),
        Tensor("relative_positions", "positions", (facts.position_rows, h), 1, bits),
        *norms([("relative_norm", h)], 1, bits, True, "positions"),
    )
    return (Stack(facts, n, tensors, sites),)


def deberta_block(layer: Layer, x: Value, shared: Shared) -> Value:
    """Refused: raises ProblemError `model.block_unknown`."""
    raise fail(
        "model.block_unknown",
        "DeBERTa copies its projected relative positions for each row of a batch, and that is not computed yet.",
        "Its weights, gradients and optimizer states are known; its activations are not.",
    )


def bert_block(layer: Layer, x: Value, shared: Shared) -> Value:
    """One BertLayer.forward: attention and feed-forward layer, each normed together with what it is added to."""
    t, facts = layer.t, layer.facts
    heads = Heads(facts.n_heads, facts.n_kv_heads, facts.head_dim, narrow=True)

    def attention() -> tuple[Value, Value | None]:
        q, k, v = (split_heads(t, layer.project(name, x)) for name in ("q_proj", "k_proj", "v_proj"))
        return layer.attend(heads, q, k, v, shared.mask)

    def dense(name: str, value: Value, residual: Value, norm: str) -> Value:
        made = layer.project(name, value)
        if facts.hidden_dropout:
            made = dropout(t, made)
        return layer.layer_norm(norm, add(t, made, residual))

    mixed, scores = attention()
    attended = dense("o_proj", mixed, x, "attention_norm")
    del mixed
    up = layer.project("up_proj", attended)
    up = activation(t, up)
    result = dense("down_proj", up, attended, "output_norm")
    del up, scores  # the layer's forward holds them to its end
    return result
