"""LoRA whose A and B are put together anew in each step from a few shared numbers: VB-LoRA, Uni-LoRA."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import combined, matmul, times
from planner.autograd.amount import fixed, per_token
from planner.autograd.operations import add, cast, dropout
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class VbLora:
    """Sub-vectors mixed from a bank by trained logits, the `top` largest of each."""

    rank: int
    bits: int
    vectors: int
    length: int
    top: int = 2
    dropout: float = 0.0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        shapes = (self.rank, site.d_in // self.length), (site.d_out // self.length, self.rank)
        return tuple(
            tensor(site, f"vblora_logits_{name}", (*shape, self.vectors), layers, self.bits)
            for name, shape in zip("AB", shapes, strict=True)
        )

    def shared(self, sites: tuple[Site, ...], layers: int) -> tuple[Tensor, ...]:
        return (Tensor("vblora_vector_bank", "adapter", (self.vectors, self.length), 1, self.bits, trained=True),)

    def _mixed(self, t: Tape, elements: int) -> Value:
        """The chosen vectors are copied out of the bank and kept, with their weights and where they came from."""
        logits = Weight(elements // self.length * self.vectors, self.bits, True)
        bank = Weight(self.vectors * self.length, self.bits, True)
        chosen = elements // self.length * self.top
        work = (fixed(elements * self.top), fixed(3 * chosen))
        return combined(t, (logits, bank), fixed(elements), self.bits, work)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        a, b = self._mixed(t, self.rank * base.d_in), self._mixed(t, self.rank * base.d_out)
        return _low_rank(t, x, base, result, a, b, self.rank, self.bits, self.dropout)


@dataclass(frozen=True, slots=True)
class UniLora:
    """Every entry of A and B is one of `length` numbers, by a frozen index, times a frozen scale of `scale_bits`."""

    rank: int
    bits: int
    length: int
    scale_bits: int = 32
    dropout: float = 0.0

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        shapes = {"A": (self.rank, site.d_in), "B": (site.d_out, self.rank)}
        return tuple(
            tensor(site, f"unilora_{what}_{name}", shape, layers, bits, trained=False)
            for name, shape in shapes.items()
            for what, bits in (("indices", 64), ("scales", self.scale_bits))
        )

    def shared(self, sites: tuple[Site, ...], layers: int) -> tuple[Tensor, ...]:
        return (Tensor("unilora_theta_d", "adapter", (self.length,), 1, self.bits, trained=True),)

    def _looked_up(self, t: Tape, elements: int) -> Value:
        numbers = Weight(self.length, self.bits, True)
        found = t.result(fixed(elements), self.bits, [numbers], lambda g, _: [t.new(fixed(self.length), g.bits)])
        return times(t, Weight(elements, self.scale_bits, False), found)

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        a, b = self._looked_up(t, self.rank * base.d_in), self._looked_up(t, self.rank * base.d_out)
        return _low_rank(t, x, base, result, a, b, self.rank, self.bits, self.dropout)


def _low_rank(
    t: Tape, x: Value, base: Frozen, result: Value, a: Value, b: Value, rank: int, bits: int, share: float
) -> Value:
    stored = result.bits
    x = cast(t, x, bits)
    if share:
        x = dropout(t, x)
    result = add(t, result, matmul(t, matmul(t, x, a, per_token(rank)), b, per_token(base.d_out)))
    return cast(t, result, stored)
