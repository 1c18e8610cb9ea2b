"""What is different in the plans of some runs, setting by setting, and what came of them. Qt-free.

Settings that are the same in all of them are not shown: among sixty settings the two that differ would not be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.pages.plan.edits import label_of
from app.pages.runs.words import bytes_or_nothing, loss_words, miss_words, seconds_words, state_words, step_words
from app.shown import shown_value
from planner.drafting import device_of
from planner.options import described
from planner.plan import Plan
from planner.run.library import RunSummary
from planner.slots import QUESTIONS, Slot

ABSENT = "–"


@dataclass(frozen=True)
class Line:
    """One line of a comparison. values: one for each run, in their order; outcome: it is no setting but what came of it."""

    what: str
    values: tuple[str, ...]
    outcome: bool = False


def outcomes(runs: Sequence[RunSummary]) -> list[Line]:
    """Loss, memory said and taken, time: one line each."""
    said = (
        ("State", state_words),
        ("Step", step_words),
        ("Loss", loss_words),
        ("Took", lambda r: bytes_or_nothing(r.peak_bytes)),
        ("Said", lambda r: bytes_or_nothing(r.predicted_bytes)),
        ("Miss", miss_words),
        ("Time", lambda r: seconds_words(r.seconds)),
    )
    return [Line(what, tuple(words(run) for run in runs), outcome=True) for what, words in said]


def differences(plans: Sequence[Plan | None]) -> list[Line]:
    """The settings that are not the same in all of these. None: a plan that could not be read, which has no value."""
    each = [settings(plan) if plan is not None else {} for plan in plans]
    known = [one for one, plan in zip(each, plans, strict=True) if plan is not None]
    found = []
    for what in dict.fromkeys(what for one in each for what in one):
        if len({one.get(what, ABSENT) for one in known}) > 1:
            found.append(Line(what, tuple(one.get(what, ABSENT) for one in each)))
    return found


def settings(plan: Plan) -> dict[str, str]:
    """Every setting of a plan in words."""
    device = device_of(plan)
    found = {
        "Model": plan.model.name,
        "Data": plan.data.name,
        "Rows": f"{plan.data.rows:,}" if plan.data.rows else ABSENT,
        "Computed on": device.name if device else plan.machine.name,
    }
    for slot in Slot:
        choice = plan.stage.choice(slot)
        if choice is not None:
            found[QUESTIONS[slot]] = label_of(choice)
            found |= _options(f"{QUESTIONS[slot]}: ", choice.options)
    return found | _options("", plan.stage.schedule)


def _options(prefix: str, options: Any) -> dict[str, str]:
    return {
        f"{prefix}{d.label if not prefix else d.label[:1].lower() + d.label[1:]}": shown_value(
            getattr(options, field.name), d.choices
        )
        for field, d in described(options)
    }


def differing_words(lines: Sequence[Line], runs: int, unread: int) -> str:
    """`3 settings differ; all others are the same.`"""
    n = sum(not line.outcome for line in lines)
    what = "No setting differs" if not n else f"{n} setting{'' if n == 1 else 's'} differ{'s' if n == 1 else ''}"
    rest = "; all others are the same" if n else ""
    lost = f" The plan of {unread} of the {runs} could not be read." if unread else ""
    return f"{what}{rest}.{lost}"
