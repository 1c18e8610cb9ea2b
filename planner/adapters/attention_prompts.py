"""Trained tokens that the attention of each layer looks at besides: PEFT's adaption prompt, LitGPT's LLaMA-Adapter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from planner.adapters.adapted import tensor
from planner.adapters.algebra import matmul, pointwise, times, to
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import add, cast, concatenate, contiguous, half, linear, negative, scale, split_heads
from planner.autograd.tape import Gradients, Tape, Value, Weight
from planner.draft import Frozen, Heads, Site, Stack, Tensor


@dataclass(frozen=True, slots=True)
class Heard:
    """At the query's matmul: leaves what it reads for the adapter at the end of the attention."""

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        base.aside["attention reads"] = x
        return base(x)


@dataclass(frozen=True, slots=True)
class AdaptionPrompt:
    """PEFT's AdaptedAttention, at the attention's last matmul: queries are made again, scores of `tokens` prompts.

    All in the model's type but for the softmax. rows: each row gets its copy of the prompts' keys and values.
    """

    tokens: int
    rows: int
    bits: int
    heads: Heads
    hidden: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "adaption_prompt", (1, self.tokens, self.hidden), layers, self.bits),
            tensor(site, "adaption_gate", (1,), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        output, bits, heads = base(x), x.bits, self.heads
        x = base.aside.pop("attention reads")
        width, of_kv = heads.n_heads * heads.head_dim, heads.n_kv_heads * heads.head_dim
        prompt = Weight(self.tokens * self.hidden, self.bits, True)
        spread = fixed(self.rows * self.tokens * width)
        own = fixed(self.rows * self.tokens * of_kv)

        def projected() -> Value:
            """One row's keys or values of the prompts, copied for all rows, then for all query heads."""
            one = t.result(
                fixed(self.tokens * of_kv), bits, [prompt], lambda g, _: [t.new(fixed(prompt.elements), g.bits)]
            )
            rows = t.result(own, bits, [one], lambda g, _: [t.new(one_size, g.bits)])
            return t.result(spread, bits, [rows], lambda g, _: [t.new(own, g.bits)])

        one_size = fixed(self.tokens * of_kv)
        k, v = projected(), projected()
        q = split_heads(t, linear(t, x, Weight(self.hidden * width, bits, False), width))
        values = linear(t, x, Weight(self.hidden * of_kv, bits, False), of_kv)
        q = add(t, pointwise(t, q), pointwise(t, concatenate(t, negative(t, half(t, q)), half(t, q))))
        del values
        scores = per_token(heads.n_heads * self.tokens)
        weights = scale(t, matmul(t, q, k, scores))
        shares = _softmax_in_32(t, weights)
        weights = times(t, Weight(1, self.bits, True), cast(t, shares, bits))
        del shares
        mixed = contiguous(t, matmul(t, weights, v, per_token(width)))
        mixed = linear(t, mixed, Weight(width * base.d_out, bits, False), base.d_out)
        return cast(t, add(t, output, mixed), bits)


def _softmax_in_32(t: Tape, x: Value) -> Value:
    """softmax(x, dtype=float32): keeps its float32 result; on a CPU x is widened first."""
    before = x.bits
    wide = cast(t, x, 32) if t.device == "cpu" else x

    def back(g: Value, saved: list[Any]) -> Gradients:
        return [t.new(g.elements, wide_bits)]

    wide_bits = 32 if t.device == "cpu" else before
    return t.result(x.elements, 32, [wide], back, keep_result=True)


@dataclass(frozen=True, slots=True)
class ScaledShifted:
    """LitGPT's AdapterV2Linear: scale × (linear(x) + bias), an entry each for every output of every linear layer."""

    bits: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "adapter_bias", (site.d_out,), layers, self.bits),
            tensor(site, "adapter_scale", (site.d_out,), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        n = base.d_out
        shifted = t.result(
            result.elements,
            result.bits,
            [result, Weight(n, self.bits, True)],
            lambda g, _: [Value(t, g.elements, g.bits, None, g.storage), t.new(fixed(n), g.bits)],
        )
        del result
        return times(t, Weight(n, self.bits, True), shifted)


@dataclass(frozen=True, slots=True)
class GatedPrompt:
    """LitGPT's adapter: the same queries attend to `tokens` prompts; gated by head, added before the last matmul.

    layers: how many have it, the first ones not; inner: another adapter at the same matmul.
    """

    tokens: int
    bits: int
    heads: Heads
    hidden: int
    layers: int
    inner: ScaledShifted | None = None

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            *(self.inner.own(site, layers) if self.inner else ()),
            tensor(site, "adapter_wte", (self.tokens, self.hidden), self.layers, self.bits),
            tensor(site, "gating_factor", (1, 1, self.heads.n_heads, 1), self.layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        heads = self.heads
        width, of_kv = heads.n_heads * heads.head_dim, heads.n_kv_heads * heads.head_dim
        prompt = Weight(self.tokens * self.hidden, self.bits, True)
        sizes = fixed(self.tokens * (width + 2 * of_kv)), fixed(self.tokens * width)
        # keys, values and the unused queries of the prompts in one matmul; then each in its heads' order
        packed = t.result(sizes[0], x.bits, [prompt], lambda g, _: [t.new(fixed(prompt.elements), g.bits)])
        k = t.result(sizes[1], x.bits, [packed], lambda g, _: [t.new(sizes[0], g.bits)])
        v = t.result(sizes[1], x.bits, [packed], lambda g, _: [t.new(sizes[0], g.bits)])
        normalizer, mask = t.new(per_token(heads.n_heads), 32), t.new((0, self.tokens, 0, 0), x.bits)

        def back(g: Value, saved: list[Any]) -> Gradients:
            of_q = t.new(per_token(width), g.bits)
            out = [t.new(sizes[1], g.bits), t.new(sizes[1], g.bits)]
            del of_q
            return list(out)

        mixed = t.result(per_token(width), x.bits, [k, v], back, keep=[k, v, normalizer, mask], keep_result=True)
        x = add(t, x, times(t, to(t, Weight(heads.n_heads, self.bits, True), x.bits), mixed))
        return base(x) if self.inner is None else self.inner.beside(t, x, base)


@lru_cache(maxsize=256)
def heard(stack: Stack, query: str = "q_proj") -> Stack:
    """The stack whose query matmul leaves what it reads."""
    return replace(stack, sites=tuple(replace(s, adapter=Heard()) if s.weight == query else s for s in stack.sites))
