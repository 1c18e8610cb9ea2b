"""Decoders of equal blocks, from Llama to GPT-2: the tensors they store, and what one block does.

What sets one apart from another is data (decoders.py); the order of operations, and how long a name holds a value, are
those of transformers' own forward code. Knows no technique and adds up no memory.
"""

from __future__ import annotations

from functools import lru_cache

from planner.autograd.layer import Layer, Shared
from planner.autograd.operations import add, multiply, rotate, silu, split_heads
from planner.autograd.tape import Value
from planner.draft import Heads, Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families.decoders import DECODERS
from planner.facts.model.families.description import Decoder, Norm, Qkv
from planner.facts.model.families.tensors import (
    attention_sites,
    embeddings,
    expert_tensors,
    feed_forward_sites,
    head,
    matmuls,
    norms,
    rotary,
    stored_bits,
)


@lru_cache(maxsize=1024)
def stacks(facts: ModelFacts) -> tuple[Stack, ...]:
    """The model's one stack: shapes from the config, bits as the checkpoint stores them, nothing trained yet."""
    about = DECODERS[facts.family]
    h, n, bits, layered = facts.hidden_size, facts.n_layers, stored_bits(facts), about.norm is Norm.LAYER
    sites = (*_attention(facts, about), *_feed_forward(facts, about))
    tensors = (
        *embeddings(facts, bits),
        *_between_embedding_and_blocks(facts, about, bits),
        *matmuls(sites, n, bits, about.conv1d),
        *(expert_tensors(facts, n, bits, about.sinks) if about.experts else ()),
        *((Tensor("shared.gate", "router", (1, h), n, bits),) if facts.shared_expert_size else ()),
        *((Tensor("sinks", "bias", (facts.n_heads,), n, bits),) if about.sinks else ()),
        *norms(about.norm_sizes(facts), n, bits, layered),
        *(norms([("norm", h)], 1, bits, layered, "final norm") if about.final_norm else ()),
        *head(facts, bits, about.head_bias),
        # a model of two kinds of layers with a period each keeps frequencies for both
        *rotary(facts, 2 if facts.family == "gemma3" else 1),
    )
    return (Stack(facts, n, tuple(tensors), sites),)


def _attention(facts: ModelFacts, about: Decoder) -> tuple[Site, ...]:
    if about.qkv is Qkv.APART:
        return attention_sites(facts)
    h, q, kv = facts.hidden_size, facts.q_dim, facts.kv_dim
    return (Site("qkv_proj", h, q + 2 * kv, facts.attention_bias), Site("o_proj", q, h, facts.output_bias))


def _feed_forward(facts: ModelFacts, about: Decoder) -> tuple[Site, ...]:
    if about.experts:
        shared = facts.shared_expert_size
        return feed_forward_sites(facts, True, shared, "shared.") if shared else ()
    h, m = facts.hidden_size, facts.intermediate_size
    if about.gate_up:
        return Site("gate_up_proj", h, 2 * m, facts.mlp_bias), Site("down_proj", m, h, facts.mlp_bias)
    return feed_forward_sites(facts, about.gated, m)


def _between_embedding_and_blocks(facts: ModelFacts, about: Decoder, bits: int) -> tuple[Tensor, ...]:
    h, e = facts.hidden_size, facts.embedding_size
    made: tuple[Tensor, ...] = ()
    if e and e != h:
        made += Tensor("project_in", "positions", (h, e), 1, bits), Tensor("project_out", "positions", (e, h), 1, bits)
    if about.embedding_norm:
        made += tuple(norms([("embedding_norm", h)], 1, bits, True, "positions"))
    return made


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
