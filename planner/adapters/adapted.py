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

    def __hash__(self) -> int: ...

    def own(self, site: Site, layers: int) -> tuple[Tensor, ...]:
        """The tensors of one target."""

    def beside(self, t: Tape, x: Value, base: Frozen) -> Value:
        """As `Beside`."""


@lru_cache(maxsize=1024)
def adapted(stack: Stack, adapter: Adapter, targets: tuple[str, ...]) -> Stack:
    """The stack with this adapter on the named matmuls. Unknown names are passed over: stacks differ in their matmuls.

    The head is a matmul as well. At the embedding an adapter is only its tensors, since what it keeps is small; but what
    the first block reads then wants a gradient.
    """
    wanted = [(site, stack.layers) for site in stack.sites if site.weight in targets]
    known = {site.weight for site in stack.sites}
    for x in stack.tensors:
        if x.role in ("head", "embedding") and x.name in targets and x.name not in known:
            d_out, d_in = x.shape if x.role == "head" else x.shape[::-1]
            wanted.append((Site(x.name, d_in, d_out), 1))
    embedding = [x.name for x in stack.tensors if x.role == "embedding"]
    added = [
        replace(tensor, role="prompt") if site.weight in embedding else tensor
        for site, count in wanted
        for tensor in adapter.own(site, count)
    ]
    shared = getattr(adapter, "shared", None)
    if shared is not None and wanted:
        added += shared(tuple(site for site, _ in wanted), stack.layers)
    names = {site.weight for site, _ in wanted}
    head = [x.name for x in stack.tensors if x.role == "head"]
    return replace(
        stack,
        tensors=(*stack.tensors, *added),
        sites=(
            *(replace(s, adapter=adapter) if s.weight in names else s for s in stack.sites),
            *(replace(s, adapter=adapter) for s, _ in wanted if s.weight in head and s.weight not in known),
        ),
    )


def tensor(site: Site, name: str, shape: tuple[int, ...], count: int, bits: int, *, trained: bool = True) -> Tensor:
    """One of an adapter's tensors at a site, in each of `count` layers."""
    return Tensor(f"{site.weight}.{name}", "adapter", shape, count, bits, trained=trained)
