"""Sizes that hold for every batch and length: so many elements or bytes fixed, per position, per token, per pair.

The tape counts in these, so that a block is run once and then only measured. No more than + and × and maximum is used,
so that a batch may be a grid of batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple, TypeAlias

from planner.units import Num, maximum

Amount: TypeAlias = tuple[int, int, int, int]
"""Elements or bytes: (fixed, for each position of a row, for each token, for each pair of tokens of a row)."""


def fixed(n: int) -> Amount:
    return (n, 0, 0, 0)


def per_position(n: int) -> Amount:
    return (0, n, 0, 0)


def per_token(n: int) -> Amount:
    return (0, 0, n, 0)


def per_pair(n: int) -> Amount:
    """For each token and each token of its own row: rows × seq × seq in all."""
    return (0, 0, 0, n)


def times(n: int, amount: Amount) -> Amount:
    a, b, c, d = amount
    return (n * a, n * b, n * c, n * d)


def minus(left: Sequence[int], right: Sequence[int]) -> Amount:
    a, b, c, d = left
    return (a - right[0], b - right[1], c - right[2], d - right[3])


def total(amounts: Sequence[Amount]) -> Amount:
    """The sum of any number of amounts."""
    return (
        sum(a[0] for a in amounts),
        sum(a[1] for a in amounts),
        sum(a[2] for a in amounts),
        sum(a[3] for a in amounts),
    )


def unbeaten(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    """Those of which no other is at least as large in every part, in falling order."""
    kept: list[Amount] = []
    for amount in sorted(amounts, reverse=True):
        _, b, c, d = amount  # in the first part those before are at least as large
        for _, position, token, pair in kept:
            if b <= position and c <= token and d <= pair:
                break
        else:
            kept.append(amount)
    return tuple(kept)


class Extent(NamedTuple):
    """How many there are of each part of an amount. Plain integers, or int64 arrays on a grid."""

    positions: Num
    tokens: Num
    pairs: Num


def measure(amount: Amount, extent: Extent) -> Num:
    """An amount for this many positions, tokens and pairs."""
    fixed_part, position, token, pair = amount
    return fixed_part + position * extent.positions + token * extent.tokens + pair * extent.pairs


def most(amounts: tuple[Amount, ...], extent: Extent) -> Num:
    """The largest of several amounts."""
    positions, tokens, pairs = extent
    sizes = [a + b * positions + c * tokens + d * pairs for a, b, c, d in amounts]
    if type(tokens) is int:
        return max(sizes)
    return reduce(maximum, sizes)
