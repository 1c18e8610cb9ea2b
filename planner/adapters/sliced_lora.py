"""LoRA on slices of one fused matrix, as LitGPT's LoRAQKVLinear does it: one A for all slices, a product for each B."""

from __future__ import annotations

from dataclasses import dataclass

from planner.adapters.lora import Lora
from planner.autograd.amount import per_token
from planner.autograd.operations import add, dropout, linear, scale
from planner.autograd.tape import Gradients, Tape, Value, Weight
from planner.draft import Beside, Frozen, Site


@dataclass(frozen=True, slots=True)
class SlicedLora:
    """slices: widths of the adapted parts; the update is written into zeros of the whole width where some are not.

    `index_copy_` keeps what it copied for backward. Parts of unequal width are made one by one and joined.
    """

    rank: int
    bits: int
    slices: tuple[int, ...]
    dropout: float = 0.0

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        result = base(x)
        n, width = len(self.slices), sum(self.slices)
        inner = linear(
            t,
            dropout(t, x) if self.dropout else x,
            Weight(n * self.rank * base.d_in, self.bits, True),
            n * self.rank,
        )
        update = linear(t, inner, Weight(self.rank * width, self.bits, True), width)
        del inner
        if len(set(self.slices)) > 1:
            parts, update = update, self._joined(t, update)
            del parts
        if width != base.d_out:
            update = self._written(t, update, base.d_out)
        return add(t, result, scale(t, update))

    def _joined(self, t: Tape, parts: Value) -> Value:
        full = parts.elements
        return t.result(full, parts.bits, [parts], lambda g, _: [t.new(full, g.bits)])

    def _written(self, t: Tape, update: Value, d_out: int) -> Value:
        size = update.elements

        def back(g: Value, saved: list[Value]) -> Gradients:
            return [t.new(size, g.bits)]

        return t.result(per_token(d_out), update.bits, [update], back, keep=[update])


def of_slices(sites: tuple[Site, ...]) -> Beside | None:
    """One adapter for a fused matmul made of the LoRA adapters on its slices; None where there are none."""
    adapted = [(site, site.adapter) for site in sites if isinstance(site.adapter, Lora)]
    if not adapted:
        return None
    lora = adapted[0][1]
    return SlicedLora(lora.rank, lora.bits, tuple(site.d_out for site, _ in adapted), lora.dropout)
