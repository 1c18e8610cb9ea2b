"""Decoders written with one matrix for queries, keys and values, whatever the checkpoint calls them (LitGPT's way).

`joined` makes one matmul of a stack's three; `attention` is what such a block does with its result: litgpt/model.py,
CausalSelfAttention.forward. Feed-forward layers have gate and up apart there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from planner.autograd.amount import per_token
from planner.autograd.layer import Layer, Shared
from planner.autograd.operations import contiguous, repeat, rotate
from planner.autograd.parts import rotate_part, split
from planner.autograd.tape import Value
from planner.draft import Heads, Site, Stack, Tensor

QKV = ("q_proj", "k_proj", "v_proj")


@lru_cache(maxsize=256)
def joined(stack: Stack) -> Stack:
    """The stack with one matmul for queries, keys and values, and with gate and up as matmuls of their own."""
    m = stack.facts.intermediate_size
    stack = _cut(stack, "gate_up_proj", ("gate_proj", "up_proj"), (m, m))
    sites = {site.weight: site for site in stack.sites}
    three = tuple(sites[name] for name in QKV if name in sites)
    if len(three) < 3:
        return stack
    one = Site("qkv_proj", three[0].d_in, sum(s.d_out for s in three), three[0].bias)
    made: list[Tensor] = []
    for x in stack.tensors:
        if x.name == "q_proj":
            made.append(replace(x, name="qkv_proj", shape=_long(x, (one.d_out, one.d_in))))
        elif x.name == "q_proj.bias":
            made.append(replace(x, name="qkv_proj.bias", shape=(one.d_out,)))
        elif x.name.removesuffix(".bias") not in QKV:
            made.append(x)
    return replace(stack, tensors=tuple(made), sites=(one, *(s for s in stack.sites if s.weight not in QKV)))


def attention(layer: Layer, value: Value, shared: Shared) -> tuple[Value, Value | None]:
    """Groups of queries with one key and one value each; where there are several groups all three are copied.

    Without groups values stay a view, so that attention keeps the whole matmul's result. The rotated and the other part of
    a head are put together in a new tensor.
    """
    t, facts = layer.t, layer.facts
    times = facts.n_heads // facts.n_kv_heads
    heads = Heads(facts.n_heads, facts.n_heads, facts.head_dim)
    fused = layer.project("qkv_proj", value)
    q, k, v = split(t, fused, per_token(facts.q_dim), per_token(facts.kv_dim), per_token(facts.kv_dim))
    if times > 1:
        q = contiguous(t, q) if facts.n_kv_heads > 1 else q
        k, v = repeat(t, k, facts.n_kv_heads, times), repeat(t, v, facts.n_kv_heads, times)
    if shared.cos is not None and shared.sin is not None:
        part, whole = facts.rotary_dim, facts.head_dim
        if part == whole:
            q = contiguous(t, rotate(t, q, shared.cos, shared.sin))
            k = contiguous(t, rotate(t, k, shared.cos, shared.sin))
        else:
            q = rotate_part(t, q, part, whole, shared.cos, shared.sin)
            k = rotate_part(t, k, part, whole, shared.cos, shared.sin)
    mixed, scores = layer.attend(heads, q, k, v, shared.mask)
    del q, k, v
    if scores is None:  # the kernel's result lies as the queries do, head by head since they were put together
        mixed = contiguous(t, mixed)
    result = layer.project("o_proj", mixed)
    del fused  # the forward holds all its names to its end
    return result, scores


def _cut(stack: Stack, name: str, parts: tuple[str, ...], sizes: tuple[int, ...]) -> Stack:
    site = next((s for s in stack.sites if s.weight == name), None)
    if site is None:
        return stack
    tensors: list[Tensor] = []
    for x in stack.tensors:
        if x.name == name:
            tensors += [replace(x, name=p, shape=_long(x, (n, site.d_in))) for p, n in zip(parts, sizes, strict=True)]
        elif x.name == f"{name}.bias":
            tensors += [replace(x, name=f"{p}.bias", shape=(n,)) for p, n in zip(parts, sizes, strict=True)]
        else:
            tensors.append(x)
    cut = tuple(Site(p, site.d_in, n, site.bias) for p, n in zip(parts, sizes, strict=True))
    sites: list[Site] = []
    for s in stack.sites:
        sites += cut if s is site else (s,)
    return replace(stack, tensors=tuple(tensors), sites=tuple(sites))


def _long(like: Tensor, shape: tuple[int, int]) -> tuple[int, ...]:
    """The shape in the order in which this checkpoint stores matrices."""
    d_out, d_in = shape
    return (d_out, d_in) if like.shape[-1] == d_in else (d_in, d_out)
