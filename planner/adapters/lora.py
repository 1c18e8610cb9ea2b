"""LoRA and what has its bytes: B(A(x)) beside a frozen matmul (PEFT's lora.Linear)."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.adapted import tensor
from planner.adapters.algebra import into
from planner.autograd.operations import add, cast, dropout, scale
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Lora:
    """B(A(dropout(x))) × alpha ÷ r, in the adapter's own type. RSLoRA only scales otherwise.

    trains_a, trains_b: LoRA-FA freezes A, MiCA freezes B; both still run. blocks: of BD-LoRA's block-diagonal halves,
    A's at the matmuls in `block_a`, B's at those in `block_b`; it adds in place.
    """

    rank: int
    bits: int
    dropout: float = 0.0
    trains_a: bool = True
    trains_b: bool = True
    blocks: int = 1
    block_a: tuple[str, ...] = ()
    block_b: tuple[str, ...] = ()

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        in_a = site.d_in // (self.blocks if site.weight in self.block_a else 1)
        in_b = self.rank // (self.blocks if site.weight in self.block_b else 1)
        return (
            tensor(site, "lora_A", (self.rank, in_a), layers, self.bits, trained=self.trains_a),
            tensor(site, "lora_B", (site.d_out, in_b), layers, self.bits, trained=self.trains_b),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        stored = result.bits
        if not base.ways.autocast:
            x = cast(t, x, self.bits)
        a = Weight(self.rank * base.d_in, self.bits, self.trains_a)
        b = Weight(self.rank * base.d_out, self.bits, self.trains_b)
        join = into if self.blocks > 1 else add
        # one expression, as in PEFT: no name holds A's result or the unscaled branch any longer than it is read
        result = join(
            t,
            result,
            scale(t, base.plain(base.plain(dropout(t, x) if self.dropout else x, a, self.rank), b, base.d_out)),
        )
        return cast(t, result, stored)
