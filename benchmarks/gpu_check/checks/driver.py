"""What the driver tells: the context of a process on the card, and who else holds memory of it."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.gpu_check import row
from benchmarks.gpu_check.row import Row
from benchmarks.gpu_check.setting import Setting
from planner.facts.gpus import capability_of
from planner.reserved import context_of
from planner.units import words

NAME = "driver: context and other programs"


def check(setting: Setting, plan_rows: Iterable[Row]) -> Row:
    """From the plans that ran: what a process held beyond torch's reserved bytes."""
    if not setting.on_card:
        return row.not_run(NAME)
    contexts = []
    for one in plan_rows:
        reserved, process = (one.figures.get(x, {}).get("measured") for x in ("reserved", "process"))
        if reserved and process:
            contexts.append(process - reserved)
    if not contexts:
        return row.not_run(NAME, "the driver does not tell what a process holds")
    low, expected, high = context_of(capability_of(setting.device.name))
    others = [f"{x.name} {words(x.bytes)}" for x in setting.device.others]
    says = (
        f"context {words(min(contexts))} to {words(max(contexts))}, said {words(expected)} "
        f"({words(low)} to {words(high)}); others: {', '.join(others) or 'none named'}"
    )
    good = low <= min(contexts) and max(contexts) <= high
    return row.of(NAME, good, says, contexts=contexts, said=[low, expected, high], others=others)
