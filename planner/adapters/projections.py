"""Adapters whose matrices are drawn once and frozen, one set for all layers: VeRA, PVeRA, RandLoRA, TinyLoRA."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import combined, matmul, pointwise, times, to
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import add, cast, dropout, linear, scale
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Vera:
    """Frozen A and B of the widest target; trained are a factor for each rank and one for each entry of the result.

    sampled: PVeRA, which draws what A gives from a trained mean and deviation, so that A has twice the rank.
    """

    rank: int
    bits: int
    dropout: float = 0.0
    sampled: bool = False

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        r = self.rank * (2 if self.sampled else 1)
        return (
            tensor(site, "vera_lambda_b", (site.d_out,), layers, self.bits),
            tensor(site, "vera_lambda_d", (r,), layers, self.bits),
        )

    def shared(self, sites: tuple[Site, ...], layers: int) -> tuple[Tensor, ...]:
        r = self.rank * (2 if self.sampled else 1)
        d_in, d_out = max(s.d_in for s in sites), max(s.d_out for s in sites)
        return (
            Tensor("vera_A", "adapter", (r, d_in), 1, self.bits),
            Tensor("vera_B", "adapter", (d_out, self.rank), 1, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits, r = base(x), self.bits, self.rank * (2 if self.sampled else 1)
        stored = result.bits
        x = cast(t, x, bits)
        a, b = Weight(r * base.d_in, bits, False), Weight(self.rank * base.d_out, bits, False)
        of_rank, of_result = Weight(r, bits, True), Weight(base.d_out, bits, True)
        inner = times(t, of_rank, linear(t, dropout(t, x) if self.dropout else x, a, r))
        if self.sampled:
            inner = self._drawn(t, inner)
        result = add(t, result, times(t, of_result, linear(t, inner, b, base.d_out)))
        return cast(t, result, stored)

    def _drawn(self, t: Tape, both: Value) -> Value:
        """mean + noise × exp(½ × log-variance); both halves are views."""
        whole = both.elements
        part = per_token(self.rank)

        def chunk() -> Value:
            return t.result(part, both.bits, [both], lambda g, _: [t.new(whole, g.bits)], storage=both.storage)

        mean, deviation = chunk(), pointwise(t, scale(t, chunk()), keeps="result")
        noise = t.new(part, both.bits)
        return add(t, mean, times(t, noise, deviation))


@dataclass(frozen=True, slots=True)
class RandLora:
    """A full-rank update of frozen random bases, weighted by trained factors on the smaller side."""

    rank: int
    bits: int
    dropout: float = 0.0

    def _bases(self, d_in: int, d_out: int) -> int:
        return -(-min(d_in, d_out) // self.rank)

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        n = self._bases(site.d_in, site.d_out)
        return (
            tensor(site, "randlora_lambda", (self.rank, n), layers, self.bits),
            tensor(site, "randlora_gamma", (n, min(site.d_in, site.d_out)), layers, self.bits),
        )

    def shared(self, sites: tuple[Site, ...], layers: int) -> tuple[Tensor, ...]:
        small, large = max(min(s.d_in, s.d_out) for s in sites), max(max(s.d_in, s.d_out) for s in sites)
        n = -(-small // self.rank)
        return (
            Tensor("randlora_A", "adapter", (self.rank, 1, small), 1, self.bits),
            Tensor("randlora_B", "adapter", (large, n, self.rank), 1, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits, n = base(x), self.bits, self._bases(base.d_in, base.d_out)
        stored, inner = result.bits, n * self.rank
        small, large = min(base.d_in, base.d_out), max(base.d_in, base.d_out)
        factors = Weight(self.rank * n, bits, True), Weight(n * small, bits, True)
        scaled = combined(t, factors, fixed(inner * small), bits)
        frozen = Weight(inner * large, bits, False)
        x = cast(t, x, bits)
        if self.dropout:
            x = dropout(t, x)
        first, second = (scaled, frozen) if base.d_in == small else (frozen, scaled)
        made = matmul(t, matmul(t, x, first, per_token(inner)), second, per_token(base.d_out))
        return cast(t, add(t, result, scale(t, made)), stored)


@dataclass(frozen=True, slots=True)
class TinyLora:
    """Frozen A and B from the weight's own decomposition, a few trained numbers between them.

    trained: numbers in each vector; vectors: how many there are, fewer than matmuls where they are tied.
    """

    rank: int
    trained: int
    vectors: int
    bits: int
    stored_bits: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        r = min(self.rank, site.d_in, site.d_out)
        return (
            tensor(site, "tinylora_A", (r, site.d_in), layers, self.stored_bits, trained=False),
            tensor(site, "tinylora_B", (site.d_out, r), layers, self.stored_bits, trained=False),
            tensor(site, "tinylora_P", (self.trained, r, r), layers, 32, trained=False),
        )

    def shared(self, sites: tuple[Site, ...], layers: int) -> tuple[Tensor, ...]:
        return (Tensor("tinylora_v", "adapter", (self.trained,), self.vectors, self.bits, trained=True),)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, r = base(x), min(self.rank, base.d_in, base.d_out)
        bits = self.stored_bits
        a, b = Weight(r * base.d_in, bits, False), Weight(r * base.d_out, bits, False)
        between = to(t, combined(t, (Weight(self.trained, self.bits, True),), fixed(r * r), self.bits), bits)
        inner = matmul(t, linear(t, cast(t, x, bits), a, r), between, per_token(r))
        return cast(t, add(t, result, linear(t, inner, b, base.d_out)), result.bits)
