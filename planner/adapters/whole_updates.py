"""Adapters that make a whole update of the weight in each step: LoHa, LoKr, FourierFT, WaveFT.

The update is as large as the weight and kept for backward, one for each target of each layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.adapters.adapted import tensor
from planner.adapters.algebra import matmul, pointwise, times
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import add, cast, scale
from planner.autograd.tape import Gradients, Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


def joined(t: Tape, x: Value, base: Frozen, result: Value, update: Value) -> Value:
    """result + x @ update.T in the update's type, back in the result's."""
    stored = result.bits
    x = cast(t, x, update.bits)
    return cast(t, add(t, result, matmul(t, x, update, per_token(base.d_out))), stored)


@dataclass(frozen=True, slots=True)
class Loha:
    """(A₁B₁) ∘ (A₂B₂): both products are made again in backward."""

    rank: int
    bits: int

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        shapes = {"a": (site.d_out, self.rank), "b": (self.rank, site.d_in)}
        return tuple(
            tensor(site, f"hada_w{i}_{side}", shape, layers, self.bits)
            for i in (1, 2)
            for side, shape in shapes.items()
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits, full = base(x), self.bits, fixed(base.d_in * base.d_out)
        sides = fixed(self.rank * base.d_out), fixed(self.rank * base.d_in)
        weights = [Weight(one[0], bits, True) for one in (*sides, *sides)]

        def back(g: Value, saved: list[Any]) -> Gradients:
            out: Gradients = []
            scaled = t.new(full, g.bits)
            for _ in range(2):
                product = t.new(full, g.bits)
                temporary = t.new(full, g.bits)
                del product
                out += [t.new(one, g.bits) for one in sides]
            del scaled, temporary
            return out

        first, second = t.new(full, bits), t.new(full, bits)
        product = t.new(full, bits)
        del first, second
        update = t.result(full, bits, weights, back, keep=weights)
        del product
        return joined(t, x, base, result, update)


@dataclass(frozen=True, slots=True)
class Lokr:
    """A Kronecker product of a small matrix and a product of two thin ones."""

    rank: int
    bits: int
    factor: int = -1
    both: bool = False

    def _shapes(self, d_in: int, d_out: int) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        """Shapes of the matrices that make the first and the second factor, one or two each."""
        (out_l, out_k), (in_m, in_n) = _factors(d_out, self.factor), _factors(d_in, self.factor)
        r = self.rank
        thin_1 = self.both and r < max(out_l, in_m) / 2
        thin_2 = r < max(out_k, in_n) / 2
        return (
            ((out_l, r), (r, in_m)) if thin_1 else ((out_l, in_m),),
            ((out_k, r), (r, in_n)) if thin_2 else ((out_k, in_n),),
        )

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return tuple(
            tensor(site, f"lokr_w{i}_{side}", shape, layers, self.bits)
            for i, shapes in enumerate(self._shapes(site.d_in, site.d_out), 1)
            for side, shape in zip("ab", shapes, strict=False)
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits = base(x), self.bits
        parts = []
        for shapes in self._shapes(base.d_in, base.d_out):
            weights = [Weight(a * b, bits, True) for a, b in shapes]
            whole = fixed(shapes[0][0] * shapes[-1][1])
            parts.append(matmul(t, weights[0], weights[1], whole) if len(weights) > 1 else weights[0])
        update = scale(t, times(t, parts[0], parts[1], fixed(base.d_in * base.d_out)))
        return joined(t, x, base, result, update)


def _factors(whole: int, factor: int) -> tuple[int, int]:
    """Two numbers whose product is `whole`, the first near to `factor` and not the larger one (PEFT's factorization)."""
    if factor > 0 and whole % factor == 0:
        return factor, whole // factor
    most = whole if factor == -1 else factor
    m, n = 1, whole
    length = m + n
    while m < n:
        more = next(i for i in range(m + 1, whole + 1) if whole % i == 0)
        if more + whole // more > length or more > most:
            break
        m, n = more, whole // more
    return (m, n) if m <= n else (n, m)


@dataclass(frozen=True, slots=True)
class Fourier:
    """A spectrum of `frequencies` trained numbers at drawn places, transformed to the whole update.

    complex: through a Fourier transform, whose values take 8 bytes an entry and are dropped; otherwise through a
    wavelet transform where `wavelet` says so: a transposed convolution, which keeps what it reads.
    """

    frequencies: int
    bits: int
    complex: bool = True
    wavelet: bool = False

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (tensor(site, "spectrum", (self.frequencies,), layers, self.bits),)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, full = base(x), fixed(base.d_in * base.d_out)
        spectrum = Weight(self.frequencies, self.bits, True)
        places = t.new(fixed(2 * self.frequencies), 64)
        dense = t.result(full, 32, [spectrum], lambda g, _: [t.new(fixed(self.frequencies), g.bits)], keep=[places])
        real = self._transformed(t, dense, full) if self.complex else dense
        if self.wavelet:
            real = pointwise(t, pointwise(t, dense), keeps="input")
        update = scale(t, real)
        result = joined(t, x, base, result, update)
        del dense, real
        return result

    def _transformed(self, t: Tape, dense: Value, full: tuple[int, int, int, int]) -> Value:
        def back(g: Value, saved: list[Any]) -> Gradients:
            wide = t.new(full, 64)
            turned = t.new(full, 64)
            del wide
            out = t.new(full, 32)
            del turned
            return [out]

        wide = t.new(full, 64)
        inverse = t.new(full, 64)
        del wide
        return t.result(full, 32, [dense], back, storage=inverse.storage)
