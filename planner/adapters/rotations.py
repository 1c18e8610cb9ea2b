"""Adapters that turn what the frozen matmul reads: OFT, BOFT; and C³A, which convolves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.adapters.adapted import tensor
from planner.adapters.algebra import combined, into, matmul, times, to
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import cast, contiguous, scale
from planner.autograd.tape import Gradients, Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Oft:
    """`blocks` rotations of the input's parts, by a Cayley transform. size: of one block, where that is given instead."""

    bits: int
    blocks: int = 0
    size: int = 0
    one_for_all: bool = False

    def _shape(self, d_in: int) -> tuple[int, int, int]:
        """Blocks that are trained, their size, and entries of one triangle."""
        b = _divisor(d_in, self.size) if self.size else d_in // _divisor(d_in, self.blocks)
        return (1 if self.one_for_all else d_in // b), b, b * (b - 1) // 2

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        n, _, triangle = self._shape(site.d_in)
        return (
            tensor(site, "oft_R", (n, triangle), layers, self.bits),
            tensor(site, "oft_places", (2, triangle), layers, 64, trained=False),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        n, b, triangle = self._shape(base.d_in)
        stored = x.bits
        x = cast(t, x, self.bits)
        # the solver keeps its two sides' factors and its result
        square = fixed(n * b * b)
        rotation = combined(t, (Weight(n * triangle, self.bits, True),), square, self.bits, (square, square))
        turned = contiguous(t, matmul(t, x, rotation, per_token(base.d_in)))
        return base(cast(t, turned, stored))


def _divisor(whole: int, wanted: int) -> int:
    """The divisor of `whole` nearest to `wanted`, the smaller of two equally near ones (PEFT's adjust_oft_parameters)."""
    if wanted >= whole:
        return whole
    higher = next(n for n in range(wanted, whole + 1) if whole % n == 0)
    lower = next(n for n in range(wanted, 0, -1) if whole % n == 0)
    return lower if wanted - lower <= higher - wanted else higher


@dataclass(frozen=True, slots=True)
class Boft:
    """A block-diagonal rotation, permuted and made whole in the model's type: matrices as large as the input squared.

    resident: the permutation lies beside the weights; on a card it stays with the host and is copied in each forward.
    """

    bits: int
    size: int
    resident: bool = False

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        d, n = site.d_in, site.d_in // self.size
        mine = (
            tensor(site, "boft_R", (1, n, self.size, self.size), layers, self.bits),
            tensor(site, "boft_s", (site.d_out, 1), layers, self.bits),
        )
        return (*mine, tensor(site, "boft_P", (1, d, d), layers, 32, trained=False)) if self.resident else mine

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        bits, square = x.bits, fixed(base.d_in * base.d_in)
        eye, ones = t.new(square, bits), t.new(fixed(base.d_out), bits)
        small = fixed(base.d_in * self.size)
        rotated = combined(t, (Weight(base.d_in * self.size, self.bits, True),), small, self.bits, (small, small))
        whole: Value | Weight = combined(t, (rotated,), square, self.bits)
        permutation = t.new(square, bits)
        whole = to(t, whole, bits)
        both = matmul(t, permutation, matmul(t, whole, permutation, square), square)
        rotation = matmul(t, both, eye, square)
        factor = times(t, Weight(base.d_out, self.bits, True), ones)
        turned = matmul(t, x, rotation, per_token(base.d_in))
        result = base(turned)
        return cast(t, times(t, factor, result), bits)


@dataclass(frozen=True, slots=True)
class C3a:
    """A circular convolution by blocks, in float32; Fourier transforms are complex, 8 bytes an entry."""

    size: int
    bits: int = 32

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "c3a_kernel", (site.d_out // self.size, site.d_in // self.size, self.size), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        x = cast(t, x, 32)
        kernel = Weight(base.d_in * base.d_out // self.size, self.bits, True)
        x = scale(t, self._convolved(t, x, kernel, base))
        return into(t, result, cast(t, x, result.bits))

    def _convolved(self, t: Tape, x: Value, kernel: Weight, base: Frozen) -> Value:
        d_in, d_out, weights = per_token(base.d_in), per_token(base.d_out), fixed(kernel.elements)

        def back(g: Value, saved: list[Any]) -> Gradients:
            outward = t.new(d_out, 64)
            inward = t.new(weights, 64)
            mixed = t.new(d_in, 64)
            of_x = t.new(d_in, 64)
            of_x = t.new(d_in, 32)
            del mixed, inward
            wide = t.new(d_in, 64)
            product = t.new(weights, 64)
            of_kernel = t.new(weights, 32)
            del outward, wide, product
            return [of_x, of_kernel]

        inward, outward = t.new(d_in, 64), t.new(weights, 64)
        mixed = t.new(d_out, 64)
        del inward, outward
        # the real part is a view of the complex result, copied when it is given another shape
        complex_result = t.new(d_out, 64)
        del mixed
        result = t.result(d_out, 32, [x, kernel], back, keep=[x, kernel])
        del complex_result
        return result
