"""A stack with adapters on some of its matmuls: their tensors beside the model's, their operations at the sites."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from planner.autograd.tape import Tape, Value
from planner.draft import Frozen, Site, Stack, Tensor


class Adapter(Protocol):
    """One kind of adapter as configured. Frozen and hashable.

    It may also have `shared(sites, layers)`: tensors that all its targets use.
    """

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        """The tensors of one target."""

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        """As `Beside`."""


@lru_cache(maxsize=1024)
def adapted(stack: Stack, adapter: Adapter, targets: tuple[str, ...]) -> Stack:
    """The stack with this adapter on the named matmuls; unknown names are passed over."""
    wanted = [site for site in stack.sites if site.weight in targets]
    added = [tensor for site in wanted for tensor in adapter.own(site, stack.layers)]
    shared = getattr(adapter, "shared", None)
    if shared is not None and wanted:
        added += shared(tuple(wanted), stack.layers)
    return replace(
        stack,
        tensors=(*stack.tensors, *added),
        sites=tuple(replace(s, adapter=adapter) if s in wanted else s for s in stack.sites),
    )


def tensor(site: Site, name: str, shape: tuple[int, ...], count: int, bits: int, *, trained: bool = True) -> Tensor:
    """One of an adapter's tensors at a site, in each of `count` layers."""
    return Tensor(f"{site.weight}.{name}", "adapter", shape, count, bits, trained=trained)
