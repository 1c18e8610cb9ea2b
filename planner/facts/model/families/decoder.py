"""Decoders of equal blocks, from Llama to GPT-2: the tensors they store, and what one block does.

What sets one apart from another is data (decoders.py); the order of operations, and how long a name holds a value, are
those of transformers' own forward code. Knows no technique and adds up no memory.
"""

from __future__ import annotations

from functools import lru_cache

from planner.autograd.amount import per_pair, per_token
from planner.autograd.layer import Layer, Shared
from planner.autograd.operations import (
    add,
    batched_matmul,
    cast,
    contiguous,
    dropout,
    multiply,
    repeat,
    rotate,
    scale,
    softmax,
    split_heads,
)
from planner.autograd.parts import add_in_place, cut, pick, rotate_part, share, split
from planner.autograd.pointwise import ACTIVATIONS, rms_norm_in_float32
from planner.autograd.tape import Value
from planner.draft import Heads, Site, Stack, Tensor
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import joined_qkv
from planner.facts.model.families.decoders import DECODERS
from planner.facts.model.families.description import Decoder, Norm, Qkv
from planner.facts.model.families.mixture import mixture
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
        made += Tensor("project_in", "positions", (h, e), 1, bits), Tensor("project_out", "final norm", (e, h), 1, bits)
    if about.embedding_norm:
        made += tuple(norms([("embedding_norm", h)], 1, bits, True, "positions"))
    return made


def norm(layer: Layer, name: str, x: Value, rows_per_token: int = 1) -> Value:
    """A norm of the model's kind, or what lies in the place of the final one."""
    if name == "project_out":
        return layer.plain(x, layer.weight(name), layer.facts.embedding_size)
    kind = DECODERS[layer.facts.family].norm
    if kind is Norm.LAYER:
        return layer.layer_norm(name, x)
    if kind is Norm.RMS_IN_FLOAT32:
        return rms_norm_in_float32(layer.t, x, layer.weight(name), rows_per_token)
    return layer.rms_norm(name, x, rows_per_token)


def block(layer: Layer, x: Value, shared: Shared) -> Value:
    """One decoder layer's forward; the names that hold a value, and for how long, are the model's own."""
    about = DECODERS[layer.facts.family]
    if about.parallel:
        return _side_by_side(layer, about, x, shared)
    t = layer.t
    attended, scores = attention(
        layer, about, x if about.norms_follow else norm(layer, about.before_attention, x), shared
    )
    attended = _dropped(layer, attended)
    if about.after_attention:
        attended = norm(layer, about.after_attention, attended)
    middle = add(t, x, attended)
    if not about.holds_attended:
        del attended
    if about.norms_follow:
        middle = norm(layer, about.before_attention, middle)
    if about.inlines_mlp:  # no name of a layer of its own holds what goes into it; tokens of all rows in one
        t.flat = True
        up = layer.project("up_proj", middle if about.norms_follow else norm(layer, about.before_mlp, middle))
        up = ACTIVATIONS[about.activation](t, up)
        result = layer.project("down_proj", up)
        t.flat = False
        del up
    else:
        result = _mixed(layer, about, middle if about.norms_follow else norm(layer, about.before_mlp, middle))
    result = _dropped(layer, result)
    if about.after_mlp:
        result = norm(layer, about.after_mlp, result)
    result = add(t, middle, result)
    del middle
    if about.norms_follow:
        result = norm(layer, about.before_mlp, result)
    del scores  # the layer's forward holds them to its end
    return result


def _side_by_side(layer: Layer, about: Decoder, x: Value, shared: Shared) -> Value:
    """Attention and feed-forward layer read x, normed once or twice, and are added to it together."""
    t = layer.t
    normed = norm(layer, about.before_attention, x)
    for_mlp = norm(layer, about.before_mlp, x) if about.qkv is Qkv.BROADCAST else normed
    attended, scores = attention(layer, about, normed, shared)
    attended = _dropped(layer, attended)
    if about.before_mlp and about.qkv is not Qkv.BROADCAST:
        del normed
        for_mlp = norm(layer, about.before_mlp, x)
    mixed = _dropped(layer, _mixed(layer, about, for_mlp))
    added = add_in_place(t, mixed, attended) if about.adds_in_place else add(t, mixed, attended)
    result = add(t, added, x)
    del mixed, added, scores  # the layer's forward holds them to its end
    return result


def _dropped(layer: Layer, value: Value) -> Value:
    return dropout(layer.t, value) if layer.facts.hidden_dropout else value


def _mixed(layer: Layer, about: Decoder, value: Value) -> Value:
    return mixture(layer, value, about.experts) if about.experts else feed_forward(layer, about, value)


def feed_forward(layer: Layer, about: Decoder, value: Value) -> Value:
    """The feed-forward layer, with a gate or without."""
    t, active = layer.t, ACTIVATIONS[about.activation]
    if layer.ways.loop.joined_qkv and about.activation == "gelu_new":
        active = ACTIVATIONS["gelu"]  # torch's own kernel, with its tanh approximation
    if about.gate_up and layer.has("gate_up_proj"):
        up = layer.project("gate_up_proj", value)
        gate, up = split(t, up, share(up, 1, 2), share(up, 1, 2))
        up = multiply(t, up, active(t, gate))
        return layer.project("down_proj", up)
    if about.gated or about.gate_up:
        gated = multiply(t, active(t, layer.project("gate_proj", value)), layer.project("up_proj", value))
        return layer.project("down_proj", gated)
    up = layer.project("up_proj", value)
    up = active(t, up)
    return layer.project("down_proj", up)


def attention(layer: Layer, about: Decoder, value: Value, shared: Shared) -> tuple[Value, Value | None]:
    """Self-attention: its result, and the scores where they exist."""
    t, facts = layer.t, layer.facts
    if layer.ways.loop.joined_qkv:
        return joined_qkv.attention(layer, value, shared)
    n_kv_heads = facts.n_heads if about.qkv is Qkv.BROADCAST else facts.n_kv_heads
    heads = Heads(facts.n_heads, n_kv_heads, facts.head_dim, narrow=about.narrow_softmax)
    if about.qkv is Qkv.APART:
        q, k = _normed(layer, about, "q", value, heads.n_heads), _normed(layer, about, "k", value, heads.n_kv_heads)
        v = split_heads(t, layer.project("v_proj", value))
        fused = None
    else:
        fused = layer.project("qkv_proj", value)
        q, k, v = _three(layer, about, fused)
    if about.scaled_queries:
        q = scale(t, q)
    parts: list[Value] = []
    if shared.cos is not None and shared.sin is not None:
        q, k = _rotated(layer, about, q, k, shared.cos, shared.sin, parts)
    if facts.positions == "alibi":
        mixed, scores = _with_position_bias(layer, heads, q, k, v, shared.mask)
    else:
        mixed, scores = layer.attend(heads, q, k, v, shared.mask)
        if scores is None and _lies_by_head(layer, about) and (layer.t.device == "cpu" or shared.mask is None):
            mixed = contiguous(t, mixed)
    result = layer.project("o_proj", mixed)
    del fused, parts  # attention's forward holds all its names to its end
    return result, scores


def _normed(layer: Layer, about: Decoder, name: str, value: Value, n_heads: int) -> Value:
    """Queries or keys by head, normed as soon as they are made where the model norms them."""
    t = layer.t
    if not layer.facts.qk_norm:
        return split_heads(t, layer.project(f"{name}_proj", value))
    rows = 1 if about.norm_whole else n_heads
    return split_heads(t, norm(layer, f"{name}_norm", layer.project(f"{name}_proj", value), rows))


def _three(layer: Layer, about: Decoder, fused: Value) -> tuple[Value, Value, Value]:
    """Queries, keys and values out of one matmul's result."""
    t, facts = layer.t, layer.facts
    q_elements, kv_elements = per_token(facts.q_dim), per_token(facts.kv_dim)
    if about.qkv in (Qkv.SPLIT, Qkv.HEADS_SPLIT):
        by_head = about.qkv is Qkv.HEADS_SPLIT
        q, k, v = split(t, fused, q_elements, kv_elements, kv_elements, copied=by_head)
        return (q, k, v) if by_head else (split_heads(t, q), split_heads(t, k), split_heads(t, v))
    q = cut(t, fused, q_elements)
    if about.qkv in (Qkv.SLICED, Qkv.HEADS_SLICED):
        k, v = cut(t, fused, kv_elements), cut(t, fused, kv_elements)
        return split_heads(t, q), split_heads(t, k), split_heads(t, v)
    k, v = pick(t, fused, kv_elements), pick(t, fused, kv_elements)
    if about.qkv is Qkv.BROADCAST:
        times = facts.n_heads // facts.n_kv_heads
        q, k, v = contiguous(t, q), repeat(t, k, facts.n_kv_heads, times), repeat(t, v, facts.n_kv_heads, times)
    return q, k, v


def _lies_by_head(layer: Layer, about: Decoder) -> bool:
    """Whether the queries were put together anew, so that they, and what flash attention makes of them, lie head by head."""
    return layer.facts.rotary_dim > 0 and (layer.facts.rotated > 0 or about.qkv is Qkv.SLICED)


def _rotated(
    layer: Layer, about: Decoder, q: Value, k: Value, cos: Value, sin: Value, parts: list[Value]
) -> tuple[Value, Value]:
    """parts: takes what attention's own forward has names for, where it rotates part of each head itself."""
    t, facts = layer.t, layer.facts
    if about.rotates_in_float32:
        bits = q.bits
        return cast(t, rotate(t, cast(t, q, 32), cos, sin), bits), cast(t, rotate(t, cast(t, k, 32), cos, sin), bits)
    if facts.rotated or about.qkv is Qkv.SLICED:
        part, whole = facts.rotary_dim, facts.head_dim
        named = parts if about.qkv is Qkv.APART else None
        return rotate_part(t, q, part, whole, cos, sin, named), rotate_part(t, k, part, whole, cos, sin, named)
    return rotate(t, q, cos, sin), rotate(t, k, cos, sin)


def _with_position_bias(
    layer: Layer, heads: Heads, q: Value, k: Value, v: Value, mask: Value | None
) -> tuple[Value, Value | None]:
    """Bloom's own attention: a bias for each head and position is added while the scores are made, which always exist."""
    t = layer.t
    if layer.ways.loop.keeps_cache:
        k, v = contiguous(t, k), contiguous(t, v)
        layer.cache += [k, v]
    q, k, v = contiguous(t, q), contiguous(t, k), contiguous(t, v)
    made = batched_matmul(t, q, k, per_pair(heads.n_heads))
    scores = add(t, made, mask) if mask is not None else made
    probabilities = cast(t, softmax(t, cast(t, scores, 32)), q.bits)
    mixed = contiguous(t, batched_matmul(t, probabilities, v, per_token(heads.n_heads * heads.head_dim)))
    return mixed, probabilities
