"""What the room left could be used for: one step up of each option that costs memory, priced. Qt-free.

Nothing here knows a technique: an option that counts something is doubled, a choice is exchanged for its siblings.
What would not fit is offered too, greyed, so that one sees how far the room goes.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass

from app.pages.plan.choices import need_bytes, new_problem
from app.pages.plan.edits import SCHEDULE, Where, options_of, signed, with_option, with_technique
from planner.estimate import Estimate, Verdict, estimate
from planner.options import described
from planner.plan import Plan
from planner.slots import QUESTIONS
from planner.techniques.registry import of_slot

WORTH_SHOWING = 0.002  # of the present need: a step that costs less is not about memory
MOST = 6


@dataclass(frozen=True)
class Step:
    """One way to use the room. fits: whether the plan with it still fits."""

    text: str
    plan: Plan
    more_bytes: int
    fits: bool


def steps(now: Estimate) -> tuple[Step, ...]:
    """The steps up from this plan, the affordable ones first; none when the plan does not fit."""
    need = need_bytes(now)
    if need is None or now.verdict not in (Verdict.FITS, Verdict.TIGHT):
        return ()
    found = []
    for text, plan in _candidates(now.plan):
        then = estimate(plan)
        more = need_bytes(then)
        if more is None or new_problem(now, then) or more - need < need * WORTH_SHOWING:
            continue
        fits = then.verdict in (Verdict.FITS, Verdict.TIGHT)
        found.append(Step(f"{text}  {signed(more - need)}", plan, more - need, fits))
    found.sort(key=lambda step: (not step.fits, step.more_bytes))
    return tuple(found[:MOST])


def _candidates(plan: Plan) -> Iterator[tuple[str, Plan]]:
    yield from _doubled(plan, SCHEDULE)
    for choice in plan.stage.choices:
        yield from _doubled(plan, choice.slot)
        for t in of_slot(choice.slot):
            if t.name != choice.technique:
                yield f"{QUESTIONS[choice.slot]}: {t.label}", with_technique(plan, choice.slot, t.name)


def _doubled(plan: Plan, where: Where) -> Iterator[tuple[str, Plan]]:
    options = options_of(plan, where)
    hints = typing.get_type_hints(type(options))
    for field, d in described(options):
        value = getattr(options, field.name)
        if d.advanced or hints[field.name] is not int or value < 1:
            continue
        doubled = value * 2
        if d.maximum is None or doubled <= d.maximum:
            yield f"{d.label} {doubled:,}", with_option(plan, where, field.name, doubled)
