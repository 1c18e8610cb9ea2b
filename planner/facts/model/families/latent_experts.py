"""DeepSeek-V2: keys and values made from a small latent vector; a few dense layers, then mixtures with a shared expert."""

from __future__ import annotations

from functools import lru_cache

from planner.draft import Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families.tensors import (
    embeddings,
    expert_tensors,
    feed_forward_sites,
    head,
    matmuls,
    norms,
    rotary,
    stored_bits,
)

DENSE_LAYERS, MIXTURES = "dense", "mixture"


@lru_cache(maxsize=256)
def stacks(facts: ModelFacts) -> tuple[Stack, ...]:
    """The dense layers first, where there are any, then those with experts."""
    h, heads, bits = facts.hidden_size, facts.n_heads, stored_bits(facts)
    plain = facts.head_dim - facts.rotary_dim
    attention = (
        Site("q_proj", h, facts.q_dim),
        Site("kv_a_proj", h, facts.latent_dim + facts.rotary_dim),
        Site("kv_b_proj", facts.latent_dim, heads * (plain + facts.value_dim)),
        Site("o_proj", heads * facts.value_dim, h),
    )
    named = [("input_layernorm", h), ("post_attention_layernorm", h), ("kv_a_norm", facts.latent_dim)]
    kinds = [
        (DENSE_LAYERS, facts.n_dense_layers, feed_forward_sites(facts, True, facts.intermediate_size)),
        (
            MIXTURES,
            facts.n_layers - facts.n_dense_layers,
            feed_forward_sites(facts, True, facts.shared_expert_size, "shared."),
        ),
    ]
    kinds = [kind for kind in kinds if kind[1] > 0]
    made = []
    for i, (kind, n, feed_forward) in enumerate(kinds):
        first, last, sites = i == 0, i == len(kinds) - 1, (*attention, *feed_forward)
        tensors: tuple[Tensor, ...] = (
            *(embeddings(facts, bits) if first else ()),
            *matmuls(sites, n, bits),
            *norms(named, n, bits, False),
            *(expert_tensors(facts, n, bits) if kind == MIXTURES else ()),
            *(norms([("norm", h)], 1, bits, False, "final norm") if last else ()),
            *(head(facts, bits) if last else ()),
            *(rotary(facts) if first else ()),
        )
        made.append(Stack(facts, n, tensors, sites, kind))
    return tuple(made)
