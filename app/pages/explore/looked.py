"""One explored plan with its figures, as values that outlive the exploration they are from: the person's own, one that is
looked at, one that is pinned; and what differs between two of them.

Qt-free. It adds nothing up: every figure is a column of what was explored, or the estimate's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.pages.explore.facets import LENGTH, Facets, number
from app.pages.plan.edits import label_of, signed
from planner.estimate import Estimate
from planner.explore.costs import share, span
from planner.explore.explored import Explored
from planner.explore.worth import own_length
from planner.plan import Plan
from planner.schedule import Schedule
from planner.slots import QUESTIONS, Slot
from planner.units import words

WEIGHTS, TRAINED = QUESTIONS[Slot.WEIGHTS], QUESTIONS[Slot.TRAINABLE]
BATCH_AND_LENGTH = "Batch × length"


@dataclass(frozen=True)
class Looked:
    """answers: (question, answer) in words. rank: 0 where there is none. low, peak, high: bytes on the computing device.
    seconds: of an epoch, NaN where nobody knows. trainable: elements, saved: bytes, both −1 where nobody has asked."""

    plan: Plan
    answers: tuple[tuple[str, str], ...]
    rank: int
    low: int
    peak: int
    high: int
    seconds: float = math.nan
    trainable: int = -1
    saved: int = -1

    @property
    def name(self) -> str:
        """What tells it apart at a glance: `4-bit (NF4) · LoRA r 16 · 4 × 1,024`."""
        answers = dict(self.answers)
        told = [answers.get(question, "") for question in (WEIGHTS, TRAINED)]
        return " · ".join([*filter(None, told), batch_and_length(self.plan.stage.schedule)])

    @property
    def share_trained(self) -> float:
        """0 to 1."""
        return self.trainable / self.plan.model.params if self.plan.model.params else math.nan


class Meant(NamedTuple):
    """A plan that the page speaks of. row: its number among the explored, −1 where it is none of them."""

    looked: Looked
    row: int = -1


class Difference(NamedTuple):
    """A line of a comparison. before, after: both values in words; change: `+5.9 GiB`, `−31 %`, `NF4 → bf16`."""

    what: str
    before: str
    after: str
    change: str
    tone: str = "text"


def look(explored: Explored, i: int) -> Looked:
    """Row `i` of what was explored."""
    plan, rank = plan_at(explored, i), int(explored.rank[i])
    return Looked(
        plan,
        _answers(plan, explored.facets(i).items(), rank),
        rank,
        int(explored.low[i]),
        int(explored.peak[i]),
        int(explored.high[i]),
        float(explored.seconds[i]),
        int(explored.trainable[i]),
        int(explored.saved[i]),
    )


def look_at(explored: Explored, one: Estimate, seconds: float = math.nan) -> Meant | None:
    """Any plan: as one of the explored where it is among them, else by its own estimate; None where it has no figures."""
    row = row_of(explored, one.plan)
    if row is not None:
        return Meant(look(explored, row), row)
    if not one.tiers:
        return None
    tier, plan = one.tiers[0], one.plan
    asked = {name for structure in explored.space.structures[:1] for name, _ in structure.facets}
    told = [(QUESTIONS[c.slot], label_of(c)) for c in plan.stage.choices if QUESTIONS[c.slot] in asked]
    trained = plan.stage.choice(Slot.TRAINABLE)
    rank = int(getattr(trained.options, "rank", 0)) if trained else 0
    answers = _answers(plan, told, rank)
    return Meant(Looked(plan, answers, rank, tier.low_bytes, tier.peak_bytes, tier.high_bytes, seconds))


def plan_at(explored: Explored, i: int) -> Plan:
    """The plan of row `i`. Where it cuts no row that the person's plan would not, it has that plan's own length."""
    plan = explored.plan(i)
    if int(explored.max_length[i]) != own_length(explored):
        return plan
    length = explored.space.plan.stage.schedule.max_length
    return plan.with_schedule(replace(plan.stage.schedule, max_length=length))


def row_of(explored: Explored, plan: Plan) -> int | None:
    """Which of the explored plans this one is: the reverse of `plan_at`."""
    around = explored.space.plan
    if (plan.model, plan.data, plan.machine) != (around.model, around.data, around.machine):
        return None
    stage, schedule = plan.stage, plan.stage.schedule
    own = schedule.max_length == around.stage.schedule.max_length
    length = own_length(explored) if own else schedule.max_length
    rows = (
        (explored.micro_batch == schedule.micro_batch)
        & (explored.accumulation == schedule.grad_accumulation)
        & (explored.max_length == length)
    )
    for number_of_structure, structure in enumerate(explored.space.structures):
        for rank, choices in structure.settings:
            if choices == stage.choices:
                found = (rows & (explored.structure == number_of_structure) & (explored.rank == rank)).nonzero()[0]
                return int(found[0]) if len(found) else None
    return None


def batch_and_length(schedule: Schedule) -> str:
    """`4 × 1,024`, or `2 (of 8) × 1,024` where several batches make one step."""
    rows = schedule.micro_batch * schedule.grad_accumulation
    step = f" (of {rows:,})" if schedule.grad_accumulation > 1 else ""
    return f"{schedule.micro_batch:,}{step} × {number(schedule.max_length)}"


def figures_words(looked: Looked) -> str:
    """`21.8 GiB · 0.54 h`."""
    return words(looked.peak) if math.isnan(looked.seconds) else f"{words(looked.peak)} · {span(looked.seconds)}"


def share_words(looked: Looked) -> str:
    """`0.5 %` of the model's elements."""
    return "not known" if looked.trainable < 0 else share(looked.share_trained)


def lines(looked: Looked, facets: Facets) -> list[tuple[str, str]]:
    """What the plan is, in the order of the form: the questions that have more than one answer; in one line what else its
    techniques are set to; then its figures."""
    asked, slots = set(facets.names), set(QUESTIONS.values())
    told = [(question, answer) for question, answer in looked.answers if question in asked & slots]
    beside = [answer for question, answer in looked.answers if question in asked - slots]
    if beside:
        told.append(("Set to", " · ".join(beside)))
    told.append((BATCH_AND_LENGTH, batch_and_length(looked.plan.stage.schedule)))
    told.append(("Trainable", share_words(looked)))
    told.append(("Result on disk", words(looked.saved) if looked.saved >= 0 else "not known"))
    return told


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


def _answers(plan: Plan, told: Iterable[tuple[str, str]], rank: int) -> tuple[tuple[str, str], ...]:
    """The answers, with the rank beside what is trained: `LoRA r 16`."""
    return tuple((q, f"{a} r {rank}" if rank and q == TRAINED else a) for q, a in told)


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
        ("Machine", before.machine.name, after.machine.name),
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
