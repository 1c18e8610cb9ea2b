"""T5: an encoder and a decoder with relative position biases; each of the decoder's blocks also reads the encoder's result."""

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
    mean_of_last,
    multiply,
    relu,
    rsqrt,
    scale,
    shift,
    softmax,
    split_heads,
    square,
)
from planner.autograd.pointwise import gelu_new
from planner.autograd.tape import Value
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


def norm(layer: Layer, name: str, x: Value) -> Value:
    """T5LayerNorm: the factor comes from a float32 copy, but x itself is multiplied by it."""
    t, weight = layer.t, layer.weight(name)
    factor = rsqrt(t, shift(t, mean_of_last(t, square(t, cast(t, x, 32)), per_token(1))))
    made = multiply(t, factor, x)
    del factor
    return multiply(t, weight, cast(t, made, weight.bits) if weight.bits == 16 else made)


def block(layer: Layer, x: Value, shared: Shared) -> Value:
    """One T5Block.forward; a decoder's also attends to the encoder's result. The bias of positions, one for all blocks of
    a stack and all rows, is not counted."""
    t = layer.t
    attended, scores = _attention(layer, "", "attention_norm", x, None, shared.mask)
    x = add(t, x, _dropped(layer, attended))
    del attended
    if layer.stack.kind == DECODER:
        assert shared.encoded is not None
        attended, scores = _attention(layer, "cross.", "cross_norm", x, shared.encoded, None)
        x = add(t, x, _dropped(layer, attended))
        del attended
    forwarded = norm(layer, "feed_forward_norm", x)
    forwarded = _feed_forward(layer, forwarded)
    result = add(t, x, _dropped(layer, forwarded))
    del scores  # a name that nobody reads holds them until the next ones come
    return result


def _dropped(layer: Layer, value: Value) -> Value:
    return dropout(layer.t, value) if layer.facts.hidden_dropout else value


def _feed_forward(layer: Layer, value: Value) -> Value:
    t = layer.t
    if layer.has("gate_proj"):
        gated = gelu_new(t, layer.project("gate_proj", value))
        linear = layer.project("up_proj", value)
        value = _dropped(layer, multiply(t, gated, linear))
    else:
        value = _dropped(layer, relu(t, layer.project("up_proj", value)))
    return layer.project("down_proj", value)


def _attention(
    layer: Layer, prefix: str, norm_name: str, x: Value, encoded: Value | None, mask: Value | None
) -> tuple[Value, Value]:
    """Attention as it is written out: scores, the bias of positions, the mask, softmax in the scores' own type."""
    t, facts = layer.t, layer.facts
    value = norm(layer, norm_name, x)
    read = value if encoded is None else encoded
    q = split_heads(t, layer.project(f"{prefix}q_proj", value))
    k, v = (split_heads(t, layer.project(f"{prefix}{name}_proj", read)) for name in ("k", "v"))
    scores = scale(t, batched_matmul(t, q, k, per_pair(facts.n_heads)))
    scores = shift(t, scores)  # the bias
    if mask is not None:
        scores = add(t, scores, mask)
    scores = softmax(t, scores)
    if facts.attention_dropout:
        scores = dropout(t, scores)
    mixed = contiguous(t, batched_matmul(t, scores, v, per_token(facts.q_dim)))
    result = layer.project(f"{prefix}o_proj", mixed)
    return result, scores
