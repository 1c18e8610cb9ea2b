"""One explored plan with its figures, as values that outlive the exploration they are from: the person's own, one that is
looked at, one that is pinned; and what differs between two of them.

Qt-free. It adds nothing up: every figure is a column of what was explored, or the estimate's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from app.pages.explore.facets import Facets, number
from app.pages.plan.edits import label_of
from planner.drafting import device_of
from planner.estimate import Estimate
from planner.explore.costs import share, span
from planner.explore.explored import Explored, Mask
from planner.explore.worth import own_length
from planner.plan import Plan
from planner.schedule import Schedule
from planner.slots import QUESTIONS, Slot
from planner.units import words

WEIGHTS, TRAINED = QUESTIONS[Slot.WEIGHTS], QUESTIONS[Slot.TRAINABLE]
MAKERS = ("NVIDIA", "GeForce", "AMD", "Intel(R)", "Radeon")
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
    """Any plan: as one of the explored where it is among them, else by its own estimate, with what an explored plan of the
    same techniques says of them; None where it has no figures."""
    row = row_of(explored, one.plan)
    if row is not None:
        return Meant(look(explored, row), row)
    if not one.tiers:
        return None
    tier, plan = one.tiers[0], one.plan
    figures = (tier.low_bytes, tier.peak_bytes, tier.high_bytes, seconds)
    like = np.flatnonzero(_of_techniques(explored, plan))
    if len(like):
        known = look(explored, int(like[0]))
        same = plan.model == explored.space.plan.model
        learned = (known.trainable, known.saved) if same else ()
        return Meant(Looked(plan, known.answers, known.rank, *figures, *learned))
    asked = {name for structure in explored.space.structures[:1] for name, _ in structure.facets}
    told = [(QUESTIONS[c.slot], label_of(c)) for c in plan.stage.choices if QUESTIONS[c.slot] in asked]
    trained = plan.stage.choice(Slot.TRAINABLE)
    rank = int(getattr(trained.options, "rank", 0)) if trained else 0
    return Meant(Looked(plan, _answers(plan, told, rank), rank, *figures))


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
    schedule = plan.stage.schedule
    own = schedule.max_length == around.stage.schedule.max_length
    length = own_length(explored) if own else schedule.max_length
    rows = (
        (explored.micro_batch == schedule.micro_batch)
        & (explored.accumulation == schedule.grad_accumulation)
        & (explored.max_length == length)
        & _of_techniques(explored, plan)
    )
    found = rows.nonzero()[0]
    return int(found[0]) if len(found) else None


def _of_techniques(explored: Explored, plan: Plan) -> Mask:
    """Which of the explored plans have this plan's techniques and rank."""
    for number_of_structure, structure in enumerate(explored.space.structures):
        for rank, choices in structure.settings:
            if choices == plan.stage.choices:
                found: Mask = (explored.structure == number_of_structure) & (explored.rank == rank)
                return found
    return np.zeros(len(explored), dtype=bool)


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


def device_words(plan: Plan) -> str:
    """What computes: `RTX 4090`."""
    device = device_of(plan)
    return without_maker(device.name if device else plan.machine.name)


def without_maker(name: str) -> str:
    """A device's name without its maker's words."""
    for maker in MAKERS:
        name = name.replace(f"{maker} ", "")
    return name


def _answers(plan: Plan, told: Iterable[tuple[str, str]], rank: int) -> tuple[tuple[str, str], ...]:
    """The answers, with the rank beside what is trained: `LoRA r 16`."""
    return tuple((q, f"{a} r {rank}" if rank and q == TRAINED else a) for q, a in told)
