"""The torch halves of a plan's techniques: found by name, called in slot order, and none known by name here.

Each may give keyword arguments for loading, wrap the model, bring a mixin for the trainer or an optimizer. Whoever makes
a trainer of a plan (for a run, a count or a trace) asks here, so that all three make the same one.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from planner.plan import Plan
from planner.techniques.registry import technique

Twins = list[tuple[ModuleType, Any]]


def twins_of(plan: Plan) -> Twins:
    """(torch half, options) of each choice that has one, in slot order."""
    found = [(technique(c.slot, c.technique).twin, c.options) for c in plan.stage.choices]
    return [(importlib.import_module(f"backends.techniques.{name}"), options) for name, options in found if name]


def load_arguments(twins: Twins) -> dict[str, Any]:
    """Keyword arguments for `from_pretrained`."""
    found: dict[str, Any] = {}
    for twin, options in twins:
        if hasattr(twin, "load_kwargs"):
            found |= twin.load_kwargs(options)
    return found


def wrapped(model: Any, twins: Twins) -> Any:
    """The model with everything that the plan's techniques hang on it."""
    for twin, options in twins:
        if hasattr(twin, "wrap"):
            model = twin.wrap(model, options)
    return model


def mixins(twins: Twins) -> list[type]:
    """What goes before the trainer's class."""
    return [twin.trainer_mixin(options) for twin, options in twins if hasattr(twin, "trainer_mixin")]


def optimizer(twins: Twins, learning_rate: float) -> tuple[type, dict[str, Any]] | None:
    """The optimizer and its arguments, with the rate, which no half knows; weight decay comes with the parameter groups."""
    found = [twin.optimizer(options) for twin, options in twins if hasattr(twin, "optimizer")]
    assert len(found) <= 1, "one slot brings the optimizer"
    if not found:
        return None
    kind, keywords = found[0]
    return kind, {"lr": learning_rate, **keywords}


def untraceable(plan: Plan) -> tuple[str, str] | None:
    """(label, why) of the first technique whose half says that it cannot be traced without contents."""
    for choice in plan.stage.choices:
        chosen = technique(choice.slot, choice.technique)
        if chosen.twin:
            why: str = getattr(importlib.import_module(f"backends.techniques.{chosen.twin}"), "UNTRACEABLE", "")
            if why:
                return chosen.label, why
    return None
