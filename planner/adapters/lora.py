"""LoRA and what has its bytes: B(A(x)) beside a frozen matmul (PEFT's lora.Linear)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.adapters.adapted import tensor
from planner.adapters.algebra import into
from planner.autograd.amount import per_token
from planner.autograd.operations import add, cast, dropout, scale
from planner.autograd.tape import Tape, Value, Weight
from planner.draft import Frozen, Site, Tensor


@dataclass(frozen=True, slots=True)
class Lora:
    """B(A(dropout(x))) × alpha ÷ r, in the adapter's own type. RSLoRA only scales otherwise.

    trains_a, trains_b: LoRA-FA freezes A, MiCA freezes B; both still run. blocks: of BD-LoRA's block-diagonal halves,
    A's at the matmuls in `block_a`, B's at those in `block_b`; it adds in place. biased: B has a trained bias.
    """

    rank: int
    bits: int
    dropout: float = 0.0
    trains_a: bool = True
    trains_b: bool = True
    blocks: int = 1
    block_a: tuple[str, ...] = ()
    block_b: tuple[str, ...] = ()
    biased: bool = False

    def at_rank(self, rank: int) -> Lora:
        """The same with another rank. All that it makes is linear in the rank, as `planner.autograd.any_rank` asks."""
        return replace(self, rank=rank)

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        in_a = site.d_in // (self.blocks if site.weight in self.block_a else 1)
        in_b = self.rank // (self.blocks if site.weight in self.block_b else 1)
        return (
            tensor(site, "lora_A", (self.rank, in_a), layers, self.bits, trained=self.trains_a),
            tensor(site, "lora_B", (site.d_out, in_b), layers, self.bits, trained=self.trains_b),
            *((tensor(site, "lora_B.bias", (site.d_out,), layers, self.bits),) if self.biased else ()),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        stored = result.bits
        x = cast(t, x, self.bits)  # under autocast as well, which narrows it again for each matmul
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


@dataclass(frozen=True, slots=True)
class SlicedLora:
    """LoRA on slices of a fused matmul, as LitGPT's LoRAQKVLinear: one A and one B for all, the result padded with zeros.

    slices: by fused matmul, the widths of its adapted slices.
    """

    rank: int
    bits: int
    slices: tuple[tuple[str, tuple[int, ...]], ...]
    dropout: float = 0.0

    def _widths(self, name: str) -> tuple[int, ...]:
        return dict(self.slices).get(name, ())

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        widths = self._widths(site.weight)
        return (
            tensor(site, "lora_A", (self.rank * len(widths), site.d_in), layers, self.bits),
            tensor(site, "lora_B", (sum(widths), self.rank), layers, self.bits),
        )

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result, widths = base(x), self._widths(base.name)
        stored, inner, outer = result.bits, self.rank * len(widths), sum(widths)
        x = cast(t, x, self.bits)  # under autocast as well, which narrows it again for each matmul
        a, b = Weight(inner * base.d_in, self.bits, True), Weight(outer * self.rank, self.bits, True)
        branch = base.plain(base.plain(dropout(t, x) if self.dropout else x, a, inner), b, outer)
        if outer < base.d_out:
            branch = _padded(t, branch, base.d_out)
        return cast(t, add(t, result, scale(t, branch)), stored)


def _padded(t: Tape, x: Value, d_out: int) -> Value:
    """`index_copy_` into zeros of the whole width, which keeps what it copied; the gradient is picked out again."""
    before = x.elements
    return t.result(per_token(d_out), x.bits, [x], lambda g, _: [t.new(before, g.bits)], keep=[x])
