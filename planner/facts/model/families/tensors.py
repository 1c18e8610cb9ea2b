"""Tensors and sites as the families' stacks list them: shapes from the facts, bits as stored, nothing trained yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.draft import Site, Tensor
from planner.facts.model.facts import ModelFacts
from planner.units import BYTES_PER_ELEMENT


def stored_bits(facts: ModelFacts) -> int:
    return 8 * BYTES_PER_ELEMENT.get(facts.stored_dtype, 2)


def matmuls(sites: Iterable[Site], count: int, bits: int, conv1d: bool = False) -> Iterator[Tensor]:
    """The matrix of each site, and its bias where it has one. conv1d: stored d_in × d_out."""
    for s in sites:
        yield Tensor(s.weight, "linear", (s.d_in, s.d_out) if conv1d else (s.d_out, s.d_in), count, bits)
        if s.bias:
            yield Tensor(f"{s.weight}.bias", "bias", (s.d_out,), count, bits)


def norms(sizes: Iterable[tuple[str, int]], count: int, bits: int, bias: bool, role: str = "norm") -> Iterator[Tensor]:
    """The weight of each norm, and its bias where it has one."""
    for name, size in sizes:
        yield Tensor(name, role, (size,), count, bits)
        if bias:
            yield Tensor(f"{name}.bias", role, (size,), count, bits)


def rotary(facts: ModelFacts, sets: int = 1) -> Iterator[Tensor]:
    """Two copies of the rotary frequencies, always float32: inv_freq and original_inv_freq."""
    if facts.rotary_dim:
        yield Tensor("rotary_emb", "buffer", (2 * sets, facts.rotary_dim // 2), 1, 32)


def attention_sites(facts: ModelFacts) -> tuple[Site, ...]:
    """q, k, v and o as four matmuls."""
    h, q, kv = facts.hidden_size, facts.q_dim, facts.kv_dim
    return (
        Site("q_proj", h, q, facts.attention_bias),
        Site("k_proj", h, kv, facts.attention_bias),
        Site("v_proj", h, kv, facts.attention_bias),
        Site("o_proj", q, h, facts.output_bias),
    )


def feed_forward_sites(facts: ModelFacts, gated: bool, size: int, prefix: str = "") -> tuple[Site, ...]:
    """gate, up and down of this intermediate size."""
    h, bias = facts.hidden_size, facts.mlp_bias
    gate = (Site(f"{prefix}gate_proj", h, size, bias),) if gated else ()
    return (*gate, Site(f"{prefix}up_proj", h, size, bias), Site(f"{prefix}down_proj", size, h, bias))


def expert_tensors(facts: ModelFacts, count: int, bits: int, bias: bool = False) -> Iterator[Tensor]:
    """The router and all experts of a layer: each kind of matrix is one tensor for all experts."""
    h, n, m = facts.hidden_size, facts.n_experts, facts.expert_size
    yield Tensor("router", "router", (n, h), count, bits)
    yield Tensor("experts.gate_up_proj", "linear", (n, 2 * m, h), count, bits)
    yield Tensor("experts.down_proj", "linear", (n, h, m), count, bits)
    if bias:
        yield Tensor("router.bias", "bias", (n,), count, bits)
        yield Tensor("experts.gate_up_proj.bias", "bias", (n, 2 * m), count, bits)
        yield Tensor("experts.down_proj.bias", "bias", (n, h), count, bits)


def embeddings(facts: ModelFacts, bits: int) -> Iterator[Tensor]:
    """The embedding of tokens, and those of positions and token types where there are any."""
    h = facts.hidden_size
    yield Tensor("embed_tokens", "embedding", (facts.vocab_size, facts.embedding_size or h), 1, bits)
    if facts.positions == "learned":
        yield Tensor("embed_positions", "positions", (facts.position_rows, h), 1, bits)
    if facts.token_types:
        yield Tensor("embed_token_types", "positions", (facts.token_types, h), 1, bits)


def head(facts: ModelFacts, bits: int, bias: bool = False) -> Iterator[Tensor]:
    """The language-model head, tied to the embedding or not."""
    size = facts.embedding_size or facts.hidden_size
    yield Tensor("lm_head", "head", (facts.vocab_size, size), 1, bits, tied=facts.tied_head)
    if bias:
        yield Tensor("lm_head.bias", "head", (facts.vocab_size,), 1, bits)
