"""The tensors a dense gated decoder's checkpoint holds, by name and shape, from its facts: what a header is held against."""

from __future__ import annotations

from collections.abc import Iterator

from planner.facts.model.facts import ModelFacts

HEAD = "lm_head.weight"
EMBEDDING = "model.embed_tokens.weight"


def outside_layers(facts: ModelFacts) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Embedding, final norm, and the head unless it is tied to the embedding."""
    yield EMBEDDING, (facts.vocab_size, facts.hidden_size)
    yield "model.norm.weight", (facts.hidden_size,)
    if not facts.tied_head:
        yield HEAD, (facts.vocab_size, facts.hidden_size)


def of_layer(facts: ModelFacts, layer: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Weights and biases of one block."""
    h, m, q, kv = facts.hidden_size, facts.intermediate_size, facts.q_dim, facts.kv_dim
    at = f"model.layers.{layer}."
    for name, d_out, d_in, bias in (
        ("self_attn.q_proj", q, h, facts.attention_bias),
        ("self_attn.k_proj", kv, h, facts.attention_bias),
        ("self_attn.v_proj", kv, h, facts.attention_bias),
        ("self_attn.o_proj", h, q, facts.output_bias),
        ("mlp.gate_proj", m, h, facts.mlp_bias),
        ("mlp.up_proj", m, h, facts.mlp_bias),
        ("mlp.down_proj", h, m, facts.mlp_bias),
    ):
        yield f"{at}{name}.weight", (d_out, d_in)
        if bias:
            yield f"{at}{name}.bias", (d_out,)
    yield f"{at}input_layernorm.weight", (h,)
    yield f"{at}post_attention_layernorm.weight", (h,)
    if facts.qk_norm:
        yield f"{at}self_attn.q_norm.weight", (facts.head_dim,)
        yield f"{at}self_attn.k_norm.weight", (facts.head_dim,)


def expected(facts: ModelFacts) -> dict[str, tuple[int, ...]]:
    """Every tensor of the checkpoint; tied weights once."""
    found = dict(outside_layers(facts))
    for layer in range(facts.n_layers):
        found.update(of_layer(facts, layer))
    return found


def _elements(shapes: Iterator[tuple[str, tuple[int, ...]]]) -> int:
    total = 0
    for _, shape in shapes:
        n = 1
        for d in shape:
            n *= d
        total += n
    return total


def expected_params(facts: ModelFacts) -> int:
    """Elements of the whole model, tied weights once, without walking its layers."""
    return _elements(outside_layers(facts)) + facts.n_layers * _elements(of_layer(facts, 0))
