"""Which adapter a row trains."""

from __future__ import annotations

from benchmarks.truth.row import Row
from planner.draft import Stack
from planner.problem import fail
from planner.techniques.trainable_lora import LoraOptions, _adapted


def extra_tokens(row: Row) -> int:
    """Virtual tokens before each row's own."""
    return 0


def adapted(row: Row, stacks: tuple[Stack, ...]) -> tuple[Stack, ...]:
    """The stacks with the row's adapter on them."""
    if row.trainable in ("full", "none"):
        return stacks
    o = row.trainable_options
    if row.trainable != "lora" or o is None or o.rank is None:
        raise fail("row.adapter", f"the adapter {row.trainable} is not computed yet", "")
    options = LoraOptions(
        rank=o.rank,
        target_modules=tuple(o.target_modules or ()),
        adapter_dtype="float32" if row.adapter_dtype == "float32" else "same as weights",
    )
    return tuple(_adapted(stack, options) for stack in stacks)
