"""Adapters of libraries that are not installed here: what torch keeps of their forward code, beside what is planned.

The code is LitGPT's (litgpt/lora.py, adapter.py, adapter_v2.py) and PEFT 0.19's (tuners/osf), cut down to its operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

import torch
from torch.nn import functional as f

from planner.adapters.adapted import Adapter
from planner.adapters.attention_prompts import GatedPrompt, ScaledShifted
from planner.adapters.lora import SlicedLora
from planner.adapters.projected import Osf
from planner.autograd.amount import Extent, measure, per_token
from planner.autograd.operations import linear
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Heads, Loop, Ways
from planner.techniques.attention_sdpa import attend

ROWS, SEQ, WIDTH = 2, 48, 96


class Plain:
    """A frozen matmul without anything of a model around it."""

    ways = Ways(attend, 16, 16, False, 0, False, "cpu", Loop())

    def __init__(self, t: Tape, name: str, d_in: int, d_out: int) -> None:
        self.t, self.name, self.d_in, self.d_out = t, name, d_in, d_out
        self.matrix, self.aside = Weight(d_in * d_out, 16, False), dict[str, Value]()

    def __call__(self, x: Value) -> Value:
        return self.plain(x, self.matrix, self.d_out)

    def plain(self, x: Value, matrix: Weight, d_out: int) -> Value:
        return linear(self.t, x, matrix, d_out)


def kept_as_planned(adapter: Adapter, name: str, d_in: int, d_out: int) -> int:
    t = Tape("cpu")
    x = t.input(per_token(d_in), 16, True)
    before = tuple(t.live)
    result = adapter.beside(t, x, Plain(t, name, d_in, d_out))
    made = tuple(a - b - c for a, b, c in zip(t.live, before, result.storage.bytes, strict=True))
    return int(measure(made, Extent(SEQ, ROWS * SEQ, ROWS * SEQ * SEQ)))  # type: ignore[arg-type]


def kept_by_torch(forward: Callable[[Any], Any], *given: Any) -> int:
    """Bytes that autograd saves in a forward pass, but those of its inputs, of weights and of its result."""
    storages: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    x = torch.randn(ROWS, SEQ, WIDTH, dtype=torch.bfloat16, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda y: y):
        result = forward(x)
    known = {y.untyped_storage()._cdata for y in (x, result, *given)}
    return sum(storage.nbytes() for key, storage in storages.items() if key not in known)


def weight(*shape: int, trained: bool = True) -> Any:
    return torch.randn(*shape, dtype=torch.bfloat16, requires_grad=trained)


def test_a_slice_of_a_fused_matmul_keeps_its_update() -> None:
    rank, slices, whole = 4, (96, 32), 160  # queries and values of 96 + 32 + 32
    matrix, a, b = weight(whole, WIDTH, trained=False), weight(2 * rank, WIDTH), weight(sum(slices), rank)
    places = torch.cat([torch.arange(96), torch.arange(128, 160)])

    def forward(x: Any) -> Any:
        pretrained = f.linear(x, matrix)
        inner = f.linear(x, a).transpose(-2, -1)
        parts = zip(inner.chunk(2, dim=1), b.split(slices), strict=True)
        outer = torch.cat([f.conv1d(one, w.unsqueeze(-1)) for one, w in parts], dim=1).transpose(-2, -1)
        zeros = torch.zeros(*x.shape[:-1], whole, dtype=x.dtype)
        return pretrained + zeros.index_copy_(-1, places, outer) * 2.0

    adapter = SlicedLora(rank, 16, (("qkv_proj", slices),))
    real = kept_by_torch(forward, matrix, a, b, places)
    assert kept_as_planned(adapter, "qkv_proj", WIDTH, whole) == pytest.approx(real, rel=0.02)


def test_a_scaled_and_shifted_linear_keeps_what_is_scaled() -> None:
    matrix, bias, scale = weight(128, WIDTH, trained=False), weight(128), weight(128)

    def forward(x: Any) -> Any:
        return scale * (f.linear(x, matrix) + bias)

    real = kept_by_torch(forward, matrix, bias, scale)
    assert kept_as_planned(ScaledShifted(16), "up_proj", WIDTH, 128) == pytest.approx(real, rel=0.02)


def test_a_gated_prompt_keeps_its_own_attention() -> None:
    heads, groups, head, tokens = 4, 2, 24, 8
    matrix, fused = weight(WIDTH, WIDTH, trained=False), weight(WIDTH + 2 * groups * head, WIDTH, trained=False)
    prompt, gate = weight(tokens, WIDTH), weight(1, 1, heads, 1)
    q = torch.randn(ROWS, heads, SEQ, head, dtype=torch.bfloat16, requires_grad=True)

    def forward(y: Any) -> Any:
        packed = f.linear(prompt.reshape(1, tokens, WIDTH), fused)
        packed = packed.view(1, tokens, groups, heads // groups + 2, head).permute(0, 2, 3, 1, 4)
        _, k, v = torch.split(packed, [heads // groups, 1, 1], dim=2)
        k = k.repeat_interleave(heads // groups, dim=2).reshape(1, heads, tokens, head)
        v = v.repeat_interleave(heads // groups, dim=2).reshape(1, heads, tokens, head)
        mask = torch.ones(SEQ, tokens, dtype=torch.bool)
        k, v = k.expand(ROWS, -1, -1, -1), v.expand(ROWS, -1, -1, -1)
        mixed = f.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)
        y = y.view(ROWS, SEQ, heads, head) + gate * mixed
        return f.linear(y.reshape(ROWS, SEQ, WIDTH), matrix)

    adapter = GatedPrompt(tokens, 16, Heads(heads, groups, head), WIDTH, 1)
    real = kept_by_torch(forward, matrix, fused, prompt, gate, q)
    assert kept_as_planned(adapter, "o_proj", WIDTH, WIDTH) == pytest.approx(real, rel=0.05)


def test_a_weight_put_together_from_its_decomposition_is_kept_whole() -> None:
    d_out, high = 128, 80
    low = WIDTH - high
    u_high, s_high, v_high = (weight(*shape, trained=False) for shape in ((d_out, high), (high,), (high, WIDTH)))
    u, s, v = weight(d_out, low), weight(low), weight(low, WIDTH)

    def forward(x: Any) -> Any:
        frozen = torch.mm(u_high * s_high.unsqueeze(0), v_high)
        return f.linear(x, frozen + torch.mm(u * s.unsqueeze(0), v))

    real = kept_by_torch(forward, u_high, s_high, v_high, u, s, v)
    adapter = Osf((("up_proj", high),), 16)
    assert kept_as_planned(adapter, "up_proj", WIDTH, d_out) == pytest.approx(real, rel=0.02)
