"""A plan's answers and schedule as `--set` takes them: what differs from another plan, or from what a new one has."""

from __future__ import annotations

import dataclasses
from typing import Any

from planner.plan import Stage
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques.registry import default_choice


def settings_of(stage: Stage, base: Stage | None = None) -> tuple[str, ...]:
    """`weights=nf4`, `trainable.rank=16`, `schedule.micro_batch=4`, …: set in this order on a plan with `base` (with every
    default without one) they give the stage. Where it computes is left out: that is the machine's.
    """
    found: list[str] = []
    for choice in stage.choices:
        if choice.slot is Slot.PLACEMENT:
            continue
        before = (base.choice(choice.slot) if base else None) or default_choice(choice.slot)
        if choice.technique != before.technique:
            before = default_choice(choice.slot, choice.technique)
            found.append(f"{choice.slot.value}={choice.technique}")
        found += _differing(choice.slot.value, choice.options, before.options)
    return (*found, *_differing("schedule", stage.schedule, base.schedule if base else Schedule()))


def _differing(where: str, options: Any, before: Any) -> list[str]:
    return [
        f"{where}.{f.name}={_typed(getattr(options, f.name))}"
        for f in dataclasses.fields(options)
        if getattr(options, f.name) != getattr(before, f.name)
    ]


def _typed(value: Any) -> str:
    """As a person would type it, and as it is read again."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
