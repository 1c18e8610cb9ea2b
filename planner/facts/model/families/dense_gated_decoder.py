"""Llama, Mistral, Qwen2, Qwen3 and their like: equal blocks of attention and a gated feed-forward layer.

Says which tensors such a model stores and which matmuls its blocks have. Knows no technique and adds up no memory.
"""

from __future__ import annotations

from functools import lru_cache

from planner.draft import Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.units import BYTES_PER_ELEMENT

NAME = "dense_gated_decoder"


@lru_cache(maxsize=256)
def stack(facts: ModelFacts) -> Stack:
    """The model's one stack: shapes from the config, bits as the checkpoint stores them, nothing trained yet."""
    h, m, q, kv = facts.hidden_size, facts.intermediate_size, facts.q_dim, facts.kv_dim
    bits, n = 8 * BYTES_PER_ELEMENT.get(facts.stored_dtype, 2), facts.n_layers
    sites = (
        Site("q_proj", "attention input", h, q, facts.attention_bias),
        Site("k_proj", "attention input", h, kv, facts.attention_bias),
        Site("v_proj", "attention input", h, kv, facts.attention_bias),
        Site("o_proj", "attention output", q, h, facts.output_bias),
        Site("gate_proj", "feed-forward input", h, m, facts.mlp_bias),
        Site("up_proj", "feed-forward input", h, m, facts.mlp_bias),
        Site("down_proj", "gated", m, h, facts.mlp_bias),
    )
    tensors = [
        Tensor("embed_tokens", "embedding", (facts.vocab_size, h), 1, bits),
        *(Tensor(s.weight, "linear", (s.d_out, s.d_in), n, bits) for s in sites),
        *(Tensor(f"{s.weight}.bias", "bias", (s.d_out,), n, bits) for s in sites if s.bias),
        Tensor("input_layernorm", "norm", (h,), n, bits),
        Tensor("post_attention_layernorm", "norm", (h,), n, bits),
    ]
    if facts.qk_norm:
        tensors += [Tensor(name, "norm", (facts.head_dim,), n, bits) for name in ("q_norm", "k_norm")]
    tensors += [
        Tensor("norm", "norm", (h,), 1, bits),
        Tensor("lm_head", "head", (facts.vocab_size, h), 1, bits, tied=facts.tied_head),
        # two copies of the rotary frequencies, always fp32: inv_freq and original_inv_freq
        Tensor("rotary_emb", "buffer", (2, facts.head_dim // 2), 1, 32),
    ]
    return Stack("decoder", n, tuple(tensors), sites)
