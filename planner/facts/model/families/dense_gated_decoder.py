"""Llama, Mistral, Qwen2, Qwen3 and their like: equal blocks of attention and a gated feed-forward layer.

Says which tensors such a model stores, which matmuls its blocks have, and what one block does, in the order of
transformers' LlamaDecoderLayer. Knows no technique and adds up no memory.
"""

from __future__ import annotations

from functools import lru_cache

from planner.autograd.operations import add, linear, multiply, rms_norm, rotate, silu, split_heads
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Attend, Heads, Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.units import BYTES_PER_ELEMENT

NAME = "dense_gated_decoder"


@lru_cache(maxsize=256)
def stack(facts: ModelFacts) -> Stack:
    """The model's one stack: shapes from the config, bits as the checkpoint stores them, nothing trained yet."""
    h, m, q, kv = facts.hidden_size, facts.intermediate_size, facts.q_dim, facts.kv_dim
    bits, n = 8 * BYTES_PER_ELEMENT.get(facts.stored_dtype, 2), facts.n_layers
    sites = (
        Site("q_proj", h, q, facts.attention_bias),
        Site("k_proj", h, kv, facts.attention_bias),
        Site("v_proj", h, kv, facts.attention_bias),
        Site("o_proj", q, h, facts.output_bias),
        Site("gate_proj", h, m, facts.mlp_bias),
        Site("up_proj", h, m, facts.mlp_bias),
        Site("down_proj", m, h, facts.mlp_bias),
    )
    norms = [("input_layernorm", h), ("post_attention_layernorm", h)]
    if facts.qk_norm:
        norms += [("q_norm", facts.head_dim), ("k_norm", facts.head_dim)]
    tensors = [
        Tensor("embed_tokens", "embedding", (facts.vocab_size, h), 1, bits),
        *(Tensor(s.weight, "linear", (s.d_out, s.d_in), n, bits) for s in sites),
        *(Tensor(f"{s.weight}.bias", "bias", (s.d_out,), n, bits) for s in sites if s.bias),
        *(Tensor(name, "norm", (size,), n, bits) for name, size in norms),
        Tensor("norm", "final norm", (h,), 1, bits),
        Tensor("lm_head", "head", (facts.vocab_size, h), 1, bits, tied=facts.tied_head),
        # two copies of the rotary frequencies, always float32: inv_freq and original_inv_freq
        Tensor("rotary_emb", "buffer", (2, facts.head_dim // 2), 1, 32),
    ]
    return Stack(facts, n, tuple(tensors), sites)


def block(t: Tape, parts: Stack, attend: Attend, x: Value, cos: Value, sin: Value, mask: Value | None) -> Value:
    """One LlamaDecoderLayer.forward; the names that hold a value, and for how long, are the model's own."""
    facts = parts.facts
    weights = {tensor.name: tensor for tensor in parts.tensors}
    sites = {site.weight: site for site in parts.sites}
    heads = Heads(facts.n_heads, facts.n_kv_heads, facts.head_dim)

    def norm(name: str, value: Value, rows_per_token: int = 1) -> Value:
        weight = weights[name]
        return rms_norm(t, value, Weight(weight.shape[0], weight.bits, weight.trained), rows_per_token)

    def project(name: str, value: Value) -> Value:
        site, weight = sites[name], weights[name]
        bias = Weight(site.d_out, weight.bits, weight.trained) if site.bias else None
        matrix = Weight(site.d_in * site.d_out, weight.bits, weight.trained)
        if site.adapter is None:
            return linear(t, value, matrix, site.d_out, bias)
        return site.adapter.beside(t, site.d_out, value, linear(t, value, matrix, site.d_out, bias))

    def normed(name: str, value: Value, n_heads: int) -> Value:
        """Queries or keys by head, normed as soon as they are made where the model norms them."""
        if not facts.qk_norm:
            return split_heads(t, project(f"{name}_proj", value))
        return split_heads(t, norm(f"{name}_norm", project(f"{name}_proj", value), n_heads))

    def attention(value: Value) -> tuple[Value, Value | None]:
        q, k = normed("q", value, heads.n_heads), normed("k", value, heads.n_kv_heads)
        v = split_heads(t, project("v_proj", value))
        q, k = rotate(t, q, cos, sin), rotate(t, k, cos, sin)
        mixed, scores = attend(t, heads, q, k, v, mask)
        return project("o_proj", mixed), scores

    def feed_forward(value: Value) -> Value:
        return project("down_proj", multiply(t, silu(t, project("gate_proj", value)), project("up_proj", value)))

    attended, scores = attention(norm("input_layernorm", x))
    middle = add(t, x, attended)
    del attended
    result = add(t, middle, feed_forward(norm("post_attention_layernorm", middle)))
    del scores  # the layer's forward holds them to its end
    return result
