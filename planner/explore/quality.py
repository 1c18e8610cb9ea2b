"""Which class a combination of techniques belongs to by what it can learn, each class with its published source.

A class orders what the published comparisons order and no more; plans of one class are not told apart.
"""

from __future__ import annotations

from planner.plan import Choice
from planner.techniques.registry import technique
from planner.techniques.technique import Cost


def quality_of(choices: tuple[Choice, ...]) -> int:
    """The class of a combination, 0 the best: that of its answer which gives up most."""
    costs = (getattr(technique(c.slot, c.technique), "cost", None) for c in choices)
    return max((cost.severity for cost in costs if isinstance(cost, Cost)), default=0)
