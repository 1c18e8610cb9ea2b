"""Further products of two thin matrices beside a frozen matmul: AdaLoRA, DeLoRA, GraLoRA, Lily, MiSS."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import combined, into, matmul, reduced, reshaped, seen, times
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import add, cast, contiguous, dropout, linear, scale, softmax
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class AdaLora:
    """B·diag(E)·A, added in place. scored: three running figures are kept of each entry, to give ranks away by them."""

    rank: int
    bits: int
    dropout: float = 0.0
    scored: bool = False

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "lora_A", (self.rank, site.d_in), layers, self.bits),
            tensor(site, "lora_E", (self.rank, 1), layers, self.bits),
            tensor(site, "lora_B", (site.d_out, self.rank), layers, self.bits),
            tensor(site, "ranknum", (1,), layers, self.bits),
            *(
                (
                    tensor(
                        site, "importance", (3, self.rank, site.d_in + site.d_out + 1), layers, self.bits, trained=False
                    ),
                )
                if self.scored
                else ()
            ),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits = base(x), self.bits
        x = cast(t, x, bits)
        a, b = Weight(self.rank * base.d_in, bits, True), Weight(self.rank * base.d_out, bits, True)
        product = times(t, Weight(self.rank, bits, True), a)
        inner = matmul(t, dropout(t, x) if self.dropout else x, product, per_token(self.rank))
        scaled = scale(t, matmul(t, inner, b, per_token(base.d_out)))
        # the present rank divides it; a parameter that wants a gradient as well, so that what it divides is kept
        return into(t, result, times(t, Weight(1, bits, True), scaled))


@dataclass(frozen=True, slots=True)
class Delora:
    """A and B of unit length times one trained strength; x is scaled by the weight's frozen column lengths first."""

    rank: int
    bits: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "delora_A", (self.rank, site.d_in), layers, self.bits),
            tensor(site, "delora_B", (site.d_out, self.rank), layers, self.bits),
            tensor(site, "delora_lambda", (1,), layers, self.bits),
            tensor(site, "delora_w_norm", (site.d_in,), layers, self.bits, trained=False),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits = base(x), self.bits
        a = seen(t, Weight(self.rank * base.d_in, bits, True))
        b = seen(t, Weight(self.rank * base.d_out, bits, True))
        total = t.new(result.elements, result.bits)
        inner = matmul(t, times(t, Weight(base.d_in, bits, False), x), a, per_token(self.rank))
        strength = combined(t, (a, b, Weight(1, bits, True)), fixed(self.rank), bits)
        inner = times(t, strength, inner)
        inner = matmul(t, inner, b, per_token(base.d_out))
        total = into(t, total, inner)
        return add(t, result, total)


@dataclass(frozen=True, slots=True)
class Gralora:
    """x and the result in `blocks` parts, each pair with its share of the rank. hybrid: rank of a plain part beside."""

    rank: int
    bits: int
    blocks: int = 2
    hybrid: int = 0
    dropout: float = 0.0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        k = self.blocks
        return (
            tensor(site, "gralora_A", (k, site.d_in // k, self.rank), layers, self.bits),
            tensor(site, "gralora_B", (k, self.rank, site.d_out // k), layers, self.bits),
            *(
                (
                    tensor(site, "gralora_A_general", (self.hybrid, site.d_in), layers, self.bits),
                    tensor(site, "gralora_B_general", (site.d_out, self.hybrid), layers, self.bits),
                )
                if self.hybrid
                else ()
            ),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits = base(x), self.bits
        stored, narrow = result.bits, per_token(self.blocks * self.rank)
        a, b = Weight(self.rank * base.d_in, bits, True), Weight(self.rank * base.d_out, bits, True)
        wide = cast(t, x, bits)
        if self.dropout:
            wide = dropout(t, wide)
        inner = contiguous(t, matmul(t, wide, a, narrow))
        del wide
        output = contiguous(t, matmul(t, inner, b, per_token(base.d_out)))
        result = into(t, result, scale(t, cast(t, output, stored)))
        if self.hybrid:
            wide = cast(t, x, bits)
            general = Weight(self.hybrid * base.d_in, bits, True), Weight(self.hybrid * base.d_out, bits, True)
            hybrid = linear(t, linear(t, wide, general[0], self.hybrid), general[1], base.d_out)
            result = into(t, result, scale(t, cast(t, hybrid, stored)))
        return result


@dataclass(frozen=True, slots=True)
class Lily:
    """One A for `stride` layers, `experts` Bs for all, mixed by a router of each layer."""

    rank: int
    bits: int
    stride: int = 1
    experts: int = 1

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "lily_A", (self.rank, site.d_in), -(-layers // self.stride), self.bits),
            tensor(site, "lily_B", (self.experts * self.rank, site.d_out), 1, self.bits),
            tensor(site, "lily_router", (self.experts, self.rank), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits, r = base(x), self.bits, self.rank
        x = cast(t, x, bits)
        inner = linear(t, x, Weight(r * base.d_in, bits, True), r)
        shares = softmax(t, linear(t, inner, Weight(r * self.experts, bits, True), self.experts))
        mean = reduced(t, shares, fixed(self.experts))
        experts = Weight(self.experts * r * base.d_out, bits, True)
        mixed = matmul(t, mean, experts, fixed(r * base.d_out))
        update = matmul(t, inner, mixed, per_token(base.d_out))
        return add(t, result, cast(t, scale(t, update), result.bits))


@dataclass(frozen=True, slots=True)
class Miss:
    """x summed over pieces of `rank` entries, times one trained matrix. width: of that matrix where it is repeated."""

    rank: int
    bits: int
    width: int = 0
    dropout: float = 0.0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (tensor(site, "miss_block", (self.rank, self.width or site.d_out), layers, self.bits),)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits, r = base(x), self.bits, self.rank
        stored = result.bits
        block: Weight | Value = Weight(r * (self.width or base.d_out), bits, True)
        if self.width:
            block = combined(t, (block,), fixed(r * base.d_out), bits)
        if base.d_in % r:
            x = contiguous(t, x)  # padded
        x = cast(t, x, bits)
        pieces = reshaped(t, dropout(t, x) if self.dropout else x)
        result = add(t, result, matmul(t, reduced(t, pieces, per_token(r)), block, per_token(base.d_out)))
        return cast(t, result, stored)
