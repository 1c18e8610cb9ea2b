"""Adapters of every rank in one run of the tape: the rank is put in as a number so large that it stays apart in every sum.

All that a low-rank adapter makes is so and so much, and so and so much for each rank. With `SYMBOL` for the rank both
parts come out of plain integers, since sums, differences and multiples keep them apart. It is not for adapters that
square their rank.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from planner.autograd.amount import Amount, unbeaten
from planner.draft import Site, Stack, Tensor, one_of_alike
from planner.stored import ADAPTERS

_BITS = 80
SYMBOL = 1 << _BITS
MOST = 4096  # the largest rank that there is
_LINEAR = 1 << 60  # more than this for each rank is no linear form


@lru_cache(maxsize=1024)
def of_any_rank(stack: Stack) -> tuple[Stack, int]:
    """The stack as its blocks run it, with a symbol for its adapters' rank, and that rank; 0 and no symbol where
    adapters have none, or several. Of all stacks that run alike one is given out, so that they are run once."""
    ranks = {_rank(site) for site in stack.sites if site.adapter is not None}
    rank = ranks.pop() if len(ranks) == 1 else 0
    sites = tuple(_at(site, SYMBOL) for site in stack.sites) if 0 < rank <= MOST else stack.sites
    tensors = tuple(_as_multiplied(x) for x in stack.tensors if x.role not in ADAPTERS)
    alike = one_of_alike(stack.facts, stack.layers, tensors, sites, stack.kind, stack.prefix)
    return alike, rank if rank <= MOST else 0


def _rank(site: Site) -> int:
    return site.adapter.rank if hasattr(site.adapter, "at_rank") else 0  # type: ignore[union-attr]


def _at(site: Site, rank: int) -> Site:
    return site if site.adapter is None else replace(site, adapter=site.adapter.at_rank(rank))  # type: ignore[attr-defined]


def _as_multiplied(x: Tensor) -> Tensor:
    """Without what is only stored otherwise, of packings that know the difference."""
    known = getattr(x.packing, "as_multiplied", None)
    return replace(x, packing=known()) if known else x


def at_rank(amount: Amount, rank: int) -> Amount:
    """The amount with this rank in the symbol's place."""
    a, b, c, d = amount
    if -_LINEAR < a < _LINEAR and -_LINEAR < b < _LINEAR and -_LINEAR < c < _LINEAR and -_LINEAR < d < _LINEAR:
        return amount
    return (_number(a, rank), _number(b, rank), _number(c, rank), _number(d, rank))


def _number(n: int, rank: int) -> int:
    if -_LINEAR < n < _LINEAR:
        return n
    of_each = (n + (SYMBOL >> 1)) >> _BITS
    assert -_LINEAR < of_each < _LINEAR, "not linear in the rank"
    return n + of_each * (rank - SYMBOL)


def unbeaten_at_any_rank(amounts: Iterable[Amount], symbol: bool) -> tuple[Amount, ...]:
    """Those that may be the largest at some rank: linear in it, so one that is beaten at both ends is beaten between.

    symbol: whether there is one in them at all.
    """
    if not symbol:
        return unbeaten(amounts)
    kept: list[Amount] = []
    ends: list[tuple[int, ...]] = []
    for amount in sorted(amounts, reverse=True):
        a, b, c, d = at_rank(amount, 1)
        e, f, g, h = at_rank(amount, MOST)
        for i, j, k, m, n, o, p, q in ends:  # written out: it is done for thousands of pairs
            if a <= i and b <= j and c <= k and d <= m and e <= n and f <= o and g <= p and h <= q:
                break
        else:
            kept.append(amount)
            ends.append((a, b, c, d, e, f, g, h))
    return tuple(kept)


def largest_at_rank(amounts: tuple[Amount, ...], rank: int) -> tuple[Amount, ...]:
    """As the tape's `fullest` with this rank."""
    return unbeaten([at_rank(amount, rank) for amount in amounts])
