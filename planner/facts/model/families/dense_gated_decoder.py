"""Llama, Mistral, Qwen2, Qwen3 and their like: equal blocks of attention and a gated feed-forward layer.

Says which tensors such a model stores, which matmuls its blocks have, and what one block does, in the order of
transformers' LlamaDecoderLayer. Knows no technique and adds up no memory.
"""

from __future__ import annotations

from functools import lru_cache

from planner.autograd.layer import Layer, Shared
from planner.autograd.operations import add, multiply, rotate, silu, split_heads
from planner.autograd.tape import Value
from planner.draft import Heads, Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.units import BYTES_PER_ELEMENT

NAME = "dense_gated_decoder"


@lru_cache(maxsize=256)
def stacks(facts: ModelFacts) -> tuple[Stack, ...]:
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
    return (Stack(facts, n, tuple(tensors), sites),)


def block(layer: Layer, x: Value, shared: Shared) -> Value:
    """One LlamaDecoderLayer.forward; the names that hold a value, and for how long, are the model's own."""
    t, facts = layer.t, layer.facts
    heads = Heads(facts.n_heads, facts.n_kv_heads, facts.head_dim)
    cos, sin = shared.cos, shared.sin
    assert cos is not None
    assert sin is not None

    def normed(name: str, value: Value, n_heads: int) -> Value:
        """Queries or keys by head, normed as soon as they are made where the model norms them."""
        if not facts.qk_norm:
            return split_heads(t, layer.project(f"{name}_proj", value))
        return split_heads(t, layer.rms_norm(f"{name}_norm", layer.project(f"{name}_proj", value), n_heads))

    def attention(value: Value) -> tuple[Value, Value | None]:
        q, k = normed("q", value, heads.n_heads), normed("k", value, heads.n_kv_heads)
        v = split_heads(t, layer.project("v_proj", value))
        q, k = rotate(t, q, cos, sin), rotate(t, k, cos, sin)
        mixed, scores = layer.attend(heads, q, k, v, shared.mask)
        return layer.project("o_proj", mixed), scores

    def feed_forward(value: Value) -> Value:
        gated = multiply(t, silu(t, layer.project("gate_proj", value)), layer.project("up_proj", value))
        return layer.project("down_proj", gated)

    attended, scores = attention(layer.rms_norm("input_layernorm", x))
    middle = add(t, x, attended)
    del attended
    result = add(t, middle, feed_forward(layer.rms_norm("post_attention_layernorm", middle)))
    del scores  # the layer's forward holds them to its end
    return result
