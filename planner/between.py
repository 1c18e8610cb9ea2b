"""The steps from one plan to another, with the words that advice has for them: for plans that exploring found.

It neither estimates nor ranks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.changes import Step, answers, batch_step, other_answers
from planner.options import described
from planner.plan import Plan
from planner.slots import QUESTIONS
from planner.techniques.registry import technique


def between(plan: Plan, other: Plan) -> list[Step]:
    """The steps from one plan to another of the same model, data, machine and length: one for each answer, and the batch."""
    steps = []
    for choice in other.stage.choices:
        now = plan.stage.choice(choice.slot)
        if now is None or now == choice:
            continue
        if now.technique != choice.technique:
            step = next(s for s, new in other_answers(now) if new.technique == choice.technique)
            set_so = _set_words(technique(choice.slot, choice.technique).Options(), choice.options)
        else:
            known = technique(choice.slot, choice.technique)
            step = Step(
                choice.slot, f"{QUESTIONS[choice.slot]}: {known.label}", answers(choice), slot=choice.slot, severity=2
            )
            set_so = _set_words(now.options, choice.options)
            step = replace(step, loses=_set_words(choice.options, now.options), short=set_so)
        steps.append(replace(step, title=f"{step.title}{f', {set_so}' if set_so else ''}", apply=answers(choice)))
    a, b = plan.stage.schedule, other.stage.schedule
    if (a.micro_batch, a.grad_accumulation) != (b.micro_batch, b.grad_accumulation):
        steps.append(batch_step(plan, b.micro_batch, b.grad_accumulation))
    return steps


def _set_words(before: Any, after: Any) -> str:
    """`rank 8, adapter type same as weights`: the options that differ."""
    found = []
    for field, d in described(after):
        value = getattr(after, field.name)
        if value != getattr(before, field.name):
            found.append(f"{d.label.lower()} {', '.join(map(str, value)) if isinstance(value, tuple) else value}")
    return ", ".join(found)
