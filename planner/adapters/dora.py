"""DoRA: LoRA with a trained length for each row of the weight, whose present lengths are measured in each step."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import matmul, pointwise, times
from planner.autograd.amount import fixed, per_token
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
        full = fixed(base.d_in * base.d_out)
        # identity → A → B gives the update; it is held with its graph, and the weight in its type, to the end of this
        eye = t.new(fixed(base.d_in * base.d_in), bits)
        inner = t.new(fixed(base.d_in * self.rank), bits)
        update = t.new(full, bits)
        weight = t.new(full, bits)
        scaled = t.new(full, bits)
        both = t.new(full, bits)
        del scaled, both
        ratio = pointwise(t, Weight(base.d_out, bits, True))
        beside = linear(t, linear(t, x, a, self.rank), b, base.d_out)
        if self.dropout:  # the frozen matmul once more, of what dropout left
            seen = matmul(t, x, weight, per_token(base.d_out))
        whole = add(t, times(t, pointwise(t, ratio), seen), scale(t, times(t, ratio, beside)))
        del eye, inner, update, weight, beside, seen
        return cast(t, add(t, result, whole), stored)
