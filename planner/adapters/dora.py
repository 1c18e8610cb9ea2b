"""DoRA: LoRA with a trained length for each row of the weight, whose present lengths are measured in each step."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import pointwise, times, to
from planner.autograd.amount import fixed
from planner.autograd.operations import add, cast, dropout, linear, scale
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Dora:
    """PEFT's DoraLinearLayer: B·A is made whole, in float32 beside a float32 copy of the weight, and dropped again."""

    rank: int
    bits: int
    dropout: float = 0.0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        return (
            tensor(site, "lora_A", (self.rank, site.d_in), layers, self.bits),
            tensor(site, "lora_B", (site.d_out, self.rank), layers, self.bits),
            tensor(site, "lora_magnitude_vector", (site.d_out,), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, bits = base(x), self.bits
        stored = result.bits
        x = cast(t, x, bits)
        a, b = Weight(self.rank * base.d_in, bits, True), Weight(self.rank * base.d_out, bits, True)
        seen = result
        if self.dropout:
            x = dropout(t, x)
        self._lengths(t, base)
        ratio = pointwise(t, Weight(base.d_out, bits, True))
        inner = linear(t, linear(t, x, a, self.rank), b, base.d_out)
        if self.dropout:  # the frozen matmul once more, of what dropout left
            seen = linear(t, x, to_matrix(base, bits), base.d_out)
        whole = add(t, times(t, pointwise(t, ratio), seen), scale(t, times(t, ratio, inner)))
        return cast(t, add(t, result, whole), stored)

    def _lengths(self, t: Tape, base: Frozen) -> None:
        """Identity → A → B gives the update; the weight in the same type, the scaled update, their sum."""
        full = fixed(base.d_in * base.d_out)
        # while the last name of `lora_B(lora_A(x_eye))` is made, the identity and A's result are still held
        eye, inner = t.new(fixed(base.d_in * base.d_in), self.bits), t.new(fixed(base.d_in * self.rank), self.bits)
        update = t.new(full, self.bits)
        del eye, inner
        weight = to(t, base.matrix, self.bits)
        scaled = t.new(full, self.bits)
        both = t.new(full, self.bits)
        del scaled, update, weight
        squares = t.new(fixed(base.d_out), self.bits)
        del both, squares


def to_matrix(base: Frozen, bits: int) -> Weight:
    """The frozen matrix in the adapter's type."""
    return Weight(base.matrix.elements, bits, False)
