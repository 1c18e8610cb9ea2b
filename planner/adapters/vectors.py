"""Adapters that train a vector or two at a matmul: IA³, BEFT, RoAd."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import combined, plus, pointwise, times
from planner.autograd.amount import fixed
from planner.autograd.operations import add, cast, concatenate, half, negative
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Ia3:
    """A factor for each entry: of the result, or of the input at the matmuls in `feedforward`."""

    bits: int
    feedforward: tuple[str, ...] = ("down_proj",)

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        n = site.d_in if site.weight in self.feedforward else site.d_out
        return (tensor(site, "ia3_l", (n, 1), layers, self.bits),)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        stored = x.bits
        inward = base.name in self.feedforward
        factor = pointwise(t, Weight(base.d_in if inward else base.d_out, self.bits, True))
        if inward:
            x = cast(t, x, self.bits)
            return base(cast(t, times(t, factor, x), stored))
        result = base(x)
        return cast(t, times(t, factor, result), stored)


@dataclass(frozen=True, slots=True)
class Beft:
    """A bias, added in its own type."""

    bits: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (tensor(site, "beft_bias", (1, site.d_out), layers, self.bits),)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        return cast(t, plus(t, Weight(base.d_out, self.bits, True), result), result.bits)


@dataclass(frozen=True, slots=True)
class Road:
    """Pairs of the result's entries turned and scaled. halves: size of theta and of alpha in halves of the result's."""

    bits: int
    halves: int = 2

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        n = site.d_out * self.halves // 2
        return tuple(tensor(site, name, (n,), layers, self.bits) for name in ("road_theta", "road_alpha"))

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        stored = result.bits
        result = cast(t, result, self.bits)
        n = base.d_out * self.halves // 2
        angles = Weight(n, self.bits, True), Weight(n, self.bits, True)
        first = combined(t, angles, fixed(base.d_out), self.bits, (fixed(n),))
        second = combined(t, angles, fixed(base.d_out), self.bits, (fixed(n),))
        turned = concatenate(t, negative(t, half(t, result)), half(t, result))
        result = add(t, times(t, first, result), times(t, second, turned))
        return cast(t, result, stored)
