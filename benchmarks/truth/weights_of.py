"""Which storage a row's weights have, and what is computed in."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from benchmarks.truth.row import Row
from planner.draft import Stack
from planner.problem import fail
from planner.units import BYTES_PER_ELEMENT


def compute(row: Row) -> tuple[int, int, bool]:
    """(compute_bits, flow_bits, autocast)."""
    bits = 8 * BYTES_PER_ELEMENT.get(row.compute_dtype or "bfloat16", 2)
    return bits, 8 * BYTES_PER_ELEMENT.get(row.activation_dtype or "", bits // 8), bool(row.autocast)


def stacks(row: Row, plain: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """The model's stacks as this row stores them."""
    assert row.weights is not None
    if row.weights.storage not in BYTES_PER_ELEMENT:
        raise fail("row.storage", f"weights stored as {row.weights.storage} are not computed yet", "")
    return tuple(_stored(stack, 8 * BYTES_PER_ELEMENT[row.weights.storage], row.trainable == "full") for stack in plain)


@lru_cache(maxsize=1024)
def _stored(stack: Stack, bits: int, trained: bool) -> Stack:
    tensors = tuple(x if x.role == "buffer" else replace(x, bits=bits, trained=trained) for x in stack.tensors)
    return replace(stack, tensors=tensors)
