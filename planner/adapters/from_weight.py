"""Adapters whose update is worked out from the weight itself, in each step: HiRA, PEANuT, GLoRA, SHiRA, MiSS bat.

The update is as large as the weight and kept for backward, one for each target of each layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.adapters.adapted import tensor
from planner.adapters.algebra import matmul, plus, pointwise, seen, times, to
from planner.adapters.whole_updates import joined
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import add, cast, dropout, scale
from planner.autograd.tape import Gradients, Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Hira:
    """The frozen weight ∘ (B·A)."""

    rank: int
    bits: int
    dropout: float = 0.0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "hira_A", (self.rank, site.d_in), layers, self.bits),
            tensor(site, "hira_B", (site.d_out, self.rank), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits, full = base(x), self.bits, fixed(base.d_in * base.d_out)
        product = matmul(t, Weight(self.rank * base.d_in, bits, True), Weight(self.rank * base.d_out, bits, True), full)
        x = cast(t, x, bits)
        if self.dropout:
            x = dropout(t, x)
        return joined(t, x, base, result, times(t, base.matrix, product))


@dataclass(frozen=True, slots=True)
class Peanut:
    """A small network reads the frozen weight and returns its update. depth: further layers on each side."""

    rank: int
    bits: int
    depth: int = 0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        r = self.rank
        return (
            tensor(site, "peanut_A", (r, site.d_out), layers, self.bits),
            *(
                tensor(site, f"peanut_{side}_{i}", (r, r), layers, self.bits)
                for side in ("in", "out")
                for i in range(self.depth)
            ),
            tensor(site, "peanut_B", (site.d_out, r), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits, r = base(x), self.bits, self.rank
        narrow, full = fixed(base.d_in * r), fixed(base.d_in * base.d_out)
        weight = to(t, base.matrix, bits)
        inner = pointwise(t, matmul(t, weight, Weight(r * base.d_out, bits, True), narrow), keeps="result")
        held = []
        for _ in range(self.depth):
            held.append(inner)
            inner = pointwise(t, matmul(t, inner, Weight(r * r, bits, True), narrow), keeps="result")
        for _ in range(self.depth):
            inner = pointwise(t, matmul(t, inner, Weight(r * r, bits, True), narrow), keeps="result")
            inner = add(t, inner, held.pop())
        update = scale(t, matmul(t, inner, Weight(r * base.d_out, bits, True), full))
        del weight, inner
        x = cast(t, x, bits)
        delta = matmul(t, x, update, per_token(base.d_out))
        return add(t, result, cast(t, delta, result.bits))


@dataclass(frozen=True, slots=True)
class Glora:
    """W + W∘A + B instead of W, in the model's type, beside the frozen matmul itself, which is subtracted again.

    path: what A and B are: a thin `product`, a `vector` or a `constant`.
    """

    rank: int
    bits: int
    path: str = "product"

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        shapes = {
            "product": (("Xd", (site.d_out, self.rank)), ("Xu", (self.rank, site.d_in))),
            "vector": (("X", (site.d_out, 1)),),
            "constant": (("X", (1,)),),
        }[self.path]
        return (
            *(tensor(site, f"glora_{of}_{name}", shape, layers, self.bits) for of in "AB" for name, shape in shapes),
            # the paths of a bias where there is none: zeros
            tensor(site, "glora_zeros", (site.d_in + 2 * site.d_out,), layers, 16, trained=False),
        )

    def _path(self, t: Tape, base: Frozen, bits: int) -> Value | Weight:
        if self.path == "product":
            down, up = (Weight(self.rank * n, self.bits, True) for n in (base.d_out, base.d_in))
            return to(t, matmul(t, down, up, fixed(base.d_in * base.d_out)), bits)
        return to(t, Weight(base.d_out if self.path == "vector" else 1, self.bits, True), bits)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        first, full = base(x), fixed(base.d_in * base.d_out)
        a, b = self._path(t, base, first.bits), self._path(t, base, first.bits)
        scaled = times(t, a, base.matrix, full)
        weight = plus(t, b, plus(t, base.matrix, scaled))
        del scaled
        adapted = matmul(t, x, weight, per_token(base.d_out))
        result = add(t, first, adapted)
        # the frozen result, times the number of adapters, is subtracted
        return add(t, result, scale(t, first))


@dataclass(frozen=True, slots=True)
class Shira:
    """A copy of the weight with trained numbers at some of its places: `rank` × (in + out) of them."""

    rank: int
    bits: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        n = self.rank * (site.d_in + site.d_out)
        return (tensor(site, "shira_weight", (n,), layers, self.bits),)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        n, full = self.rank * (base.d_in + base.d_out), fixed(base.d_in * base.d_out)
        numbers = Weight(n, self.bits, True)
        places = t.new(fixed(2 * n), 64)

        def back(g: Value, saved: list[Any]) -> Gradients:
            return [t.new(fixed(n), g.bits)]

        weight = t.result(full, base.matrix.bits, [numbers], back, keep=[places])
        return matmul(t, x, weight, per_token(base.d_out))


@dataclass(frozen=True, slots=True)
class Bat:
    """MiSS in its first form: W + W·M by blocks + M, all of it made in the adapter's type."""

    rank: int
    bits: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (tensor(site, "miss_block", (site.d_out // self.rank, self.rank, self.rank), layers, self.bits),)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        full, stored = fixed(base.d_in * base.d_out), x.bits
        copy = t.new(full, base.matrix.bits)
        block = seen(t, Weight(base.d_out * self.rank, self.bits, True))
        wide = t.new(full, self.bits)
        product = plus(t, block, matmul(t, wide, block, full))
        del wide
        weight = plus(t, copy, pointwise(t, product))
        del copy, product
        x = cast(t, x, self.bits)
        return cast(t, matmul(t, x, weight, per_token(base.d_out)), stored)
