"""DeepSeek-V2: keys and values made from a small latent vector; a few dense layers, then mixtures with a shared expert."""

from __future__ import annotations

from functools import lru_cache

from planner.autograd.amount import per_token
from planner.autograd.layer import Layer, Shared
from planner.autograd.operations import add, cast, contiguous, multiply, repeat, silu, split_heads
from planner.autograd.parts import cut, joined, split
from planner.autograd.tape import Value
from planner.draft import Heads, Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families.mixture import mixture
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


def block(layer: Layer, x: Value, shared: Shared) -> Value:
    """One DeepseekV2DecoderLayer.forward. Without complex numbers: a turned part is a float32 copy and its product."""
    t = layer.t
    attended, scores = _attention(layer, layer.rms_norm("input_layernorm", x), shared)
    middle = add(t, x, attended)
    del attended
    result = add(t, middle, _feed_forward(layer, layer.rms_norm("post_attention_layernorm", middle)))
    del scores  # the layer's forward holds them to its end
    return result


def _feed_forward(layer: Layer, value: Value) -> Value:
    if layer.stack.kind == MIXTURES:
        return mixture(layer, value, "wide")
    t = layer.t
    gated = multiply(t, silu(t, layer.project("gate_proj", value)), layer.project("up_proj", value))
    return layer.project("down_proj", gated)


def _attention(layer: Layer, value: Value, shared: Shared) -> tuple[Value, Value | None]:
    """Keys and values come from a latent vector; one rotated key part serves all heads."""
    t, facts, n = layer.t, layer.facts, layer.facts.n_heads
    turned, plain = facts.rotary_dim, facts.head_dim - facts.rotary_dim
    q = split_heads(t, layer.project("q_proj", value))
    q_plain, q_turned = split(t, q, per_token(n * plain), per_token(n * turned), copied=True)
    compressed = layer.project("kv_a_proj", value)
    latent, k_turned = split(t, compressed, per_token(facts.latent_dim), per_token(turned))
    latent = layer.rms_norm("kv_a_norm", latent)
    q_turned, k_turned = _turned(layer, q_turned), _turned(layer, k_turned)
    q = joined(t, q_plain, q_turned)
    made = split_heads(t, layer.project("kv_b_proj", latent))
    k_plain, v = split(t, made, per_token(n * plain), per_token(n * facts.value_dim), copied=True)
    k = joined(t, k_plain, repeat(t, k_turned, 1, n))
    mixed, scores = layer.attend(Heads(n, n, facts.head_dim), q, k, v, shared.mask)
    mixed = cut(t, mixed, v.elements)  # values are narrower than keys
    result = layer.project("o_proj", mixed)
    del compressed, made  # attention's forward holds all its names to its end
    return result, scores


def _turned(layer: Layer, x: Value) -> Value:
    t = layer.t
    wide = cast(t, x, 32) if x.bits != 32 else contiguous(t, x)
    return cast(t, contiguous(t, wide), x.bits)
