"""T5: an encoder and a decoder with relative position biases; each of the decoder's blocks also reads the encoder's result."""

from __future__ import annotations

from functools import lru_cache

from planner.draft import Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families.tensors import (
    attention_sites,
    embeddings,
    feed_forward_sites,
    head,
    matmuls,
    norms,
    stored_bits,
)

ENCODER, DECODER = "encoder", "decoder"


@lru_cache(maxsize=256)
def stacks(facts: ModelFacts) -> tuple[Stack, ...]:
    """The encoder, which holds the shared embedding, then the decoder, which holds the head."""
    gated = facts.family == "t5_gated"
    h, q, bits = facts.hidden_size, facts.q_dim, stored_bits(facts)
    feed_forward = feed_forward_sites(facts, gated, facts.intermediate_size)
    # as an adapter's target a name means both: q_proj is a q of self-attention and of attention to the encoder
    cross = (
        Site("cross.q_proj", h, q),
        Site("cross.k_proj", h, q),
        Site("cross.v_proj", h, q),
        Site("cross.o_proj", q, h),
    )
    made = []
    for kind, n, sites in (
        (ENCODER, facts.n_encoder_layers, (*attention_sites(facts), *feed_forward)),
        (DECODER, facts.n_layers, (*attention_sites(facts), *cross, *feed_forward)),
    ):
        named = ["attention_norm", "feed_forward_norm", *(["cross_norm"] if kind == DECODER else [])]
        tensors = (
            *(embeddings(facts, bits) if kind == ENCODER else ()),
            *matmuls(sites, n, bits),
            *norms([(name, h) for name in named], n, bits, False),
            Tensor("relative_bias", "positions", (facts.position_rows, facts.n_heads), 1, bits),
            Tensor("norm", "final norm", (h,), 1, bits),
            *(head(facts, bits) if kind == DECODER else ()),
        )
        made.append(Stack(facts, n, tensors, sites, kind))
    return tuple(made)
