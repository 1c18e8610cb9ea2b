"""What is different in two plans: model and machine, figures with their signs, answers, batch and length. Qt-free."""

from __future__ import annotations

import math
from typing import NamedTuple

from app.pages.explore.facets import LENGTH, number
from app.pages.explore.looked import Looked, device_words, share_words
from app.pages.plan.edits import signed
from planner.explore.costs import span
from planner.plan import Plan
from planner.schedule import Schedule
from planner.units import words


class Difference(NamedTuple):
    """A line of a comparison. before, after: both values in words; change: `+5.9 GiB`, `−31 %`, `NF4 → bf16`."""

    what: str
    before: str
    after: str
    change: str
    tone: str = "text"


def differences(before: Looked, after: Looked) -> list[Difference]:
    """What is not the same in two plans: model and machine, figures, answers, batch and length."""
    found = _other_facts(before.plan, after.plan)
    if before.peak != after.peak:
        tone = "bad" if after.peak > before.peak else "good"
        change = signed(after.peak - before.peak)
        found.append(Difference("Peak", words(before.peak), words(after.peak), change, tone))
    if before.seconds != after.seconds and not math.isnan(before.seconds - after.seconds):
        tone = "bad" if after.seconds > before.seconds else "good"
        change = percent(before.seconds, after.seconds)
        found.append(Difference("Time", span(before.seconds), span(after.seconds), change, tone))
    if before.trainable != after.trainable and min(before.trainable, after.trainable) >= 0:
        change = percent(before.trainable, after.trainable)
        found.append(Difference("Trainable", share_words(before), share_words(after), change))
    if before.saved != after.saved and min(before.saved, after.saved) >= 0:
        change = signed(after.saved - before.saved)
        found.append(Difference("Result on disk", words(before.saved), words(after.saved), change))
    return [*found, *_other_answers(before, after), *_other_schedule(before.plan, after.plan)]


def percent(before: float, after: float) -> str:
    """`−31 %`, `+4.2 %`, and `× 12` where it is many times as much."""
    if not before:
        return "from none"
    share = after / before
    if share >= 3:
        return f"× {share:.3g}"
    digits = 0 if abs(share - 1) >= 0.0995 else 1
    sign = "+" if share >= 1 else "−"
    return f"{sign}{abs(100 * (share - 1)):.{digits}f} %"


def _other_answers(before: Looked, after: Looked) -> list[Difference]:
    was, now = dict(before.answers), dict(after.answers)
    found = []
    for question in dict.fromkeys((*now, *was)):
        old, new = was.get(question, "–"), now.get(question, "–")
        if old != new:
            found.append(Difference(question, old, new, f"{old} → {new}"))
    return found


def _other_facts(before: Plan, after: Plan) -> list[Difference]:
    found = []
    for what, old, new in (
        ("Model", before.model.name, after.model.name),
        ("Computed on", device_words(before), device_words(after)),
    ):
        if old != new:
            old, new = old.rsplit("/", 1)[-1], new.rsplit("/", 1)[-1]
            found.append(Difference(what, old, new, f"{old} → {new}"))
    return found


def _other_schedule(before: Plan, after: Plan) -> list[Difference]:
    was, now = before.stage.schedule, after.stage.schedule
    found = []
    for what, old, new in (
        ("Batch", batch_words(was), batch_words(now)),
        (LENGTH, number(was.max_length), number(now.max_length)),
    ):
        if old != new:
            found.append(Difference(what, old, new, f"{old} → {new}"))
    return found


def batch_words(schedule: Schedule) -> str:
    """`2`, or `2, of 8 in a step`."""
    rows = schedule.micro_batch * schedule.grad_accumulation
    return (
        f"{schedule.micro_batch:,}"
        if rows == schedule.micro_batch
        else f"{schedule.micro_batch:,}, of {rows:,} in a step"
    )
