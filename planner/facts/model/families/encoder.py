"""BERT, RoBERTa and DeBERTa: encoders whose blocks norm the sum with the residual, without a language-model head."""

from __future__ import annotations

from functools import lru_cache

from planner.draft import Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families.tensors import (
    attention_sites,
    embeddings,
    feed_forward_sites,
    matmuls,
    norms,
    stored_bits,
)


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
