"""What each entry of a menu would cost: the difference in bytes to the plan as it is, or why it cannot be chosen.

Qt-free, and called only when a menu opens: each entry is one more estimate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.pages.plan.edits import Where, signed, with_option, with_technique
from planner.estimate import Estimate, Verdict, estimate
from planner.options import described
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.registry import of_slot


@dataclass(frozen=True)
class Offer:
    """One entry. difference: in words, empty when it cannot be told. tone: theme role. reason: why it is greyed."""

    value: Any
    label: str
    difference: str = ""
    tone: str = "muted"
    reason: str = ""


def need_bytes(result: Estimate) -> int | None:
    """What the computing device needs at the peak, None when that cannot be told."""
    return result.tiers[0].peak_bytes if result.tiers else None


def new_problem(now: Estimate, then: Estimate) -> Problem | None:
    """The first problem a change would bring."""
    return next((p for p in then.problems if p not in now.problems), None)


def offer(now: Estimate, value: Any, label: str, changed: Plan) -> Offer:
    """An entry for a changed plan, priced against the plan as it is."""
    if changed == now.plan:
        return Offer(value, label)
    then = estimate(changed)
    problem = new_problem(now, then)
    if problem:
        return Offer(value, label, reason=f"{problem.fact} {problem.advice}")
    a, b = need_bytes(now), need_bytes(then)
    if a is None or b is None:
        return Offer(value, label)
    return Offer(value, label, signed(b - a), "good" if b < a else "warn" if b > a else "muted")


def technique_offers(now: Estimate, slot: Slot) -> list[Offer]:
    """Every technique of a slot."""
    return [offer(now, t.name, t.label, with_technique(now.plan, slot, t.name)) for t in of_slot(slot)]


def option_offers(now: Estimate, where: Where, field: str, options: Any) -> list[Offer]:
    """Every choice of an option that has choices."""
    described_field = next(d for f, d in described(options) if f.name == field)
    return [offer(now, v, label, with_option(now.plan, where, field, v)) for v, label in described_field.choices]


@dataclass(frozen=True)
class Fit:
    """How a plan with another model or machine would do, for the mark in a list."""

    word: str
    tone: str
    need: int | None


_FITS = {
    Verdict.FITS: Fit("fits", "good", None),
    Verdict.TIGHT: Fit("tight", "warn", None),
    Verdict.DOES_NOT_FIT: Fit("does not fit", "bad", None),
    Verdict.CANNOT_TELL: Fit("cannot tell", "muted", None),
}


def fits(plans: Iterable[Plan]) -> list[Fit]:
    """The mark of each plan."""
    out = []
    for plan in plans:
        result = estimate(plan)
        mark = _FITS[result.verdict]
        out.append(Fit(mark.word, mark.tone, need_bytes(result)))
    return out
