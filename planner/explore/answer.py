"""What a question is answered with: a whole plan with its own estimate, other ways, or what the nearest plans miss.

Values and their words; `questions` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from planner.estimate import Estimate, Verdict
from planner.explore.costs import span
from planner.facts.data import DataFacts
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.registry import technique
from planner.timing.timed import timed
from planner.units import words
from planner.verdict import judge

EVERY = ("all-linear",)  # PEFT's word for every matmul


class Question(StrEnum):
    BEST = "best"
    LONGEST = "longest_context"
    BATCH = "largest_batch"
    MODEL = "largest_model"
    CARD = "smallest_card"


ASKED = {
    Question.BEST: "best that fits",
    Question.LONGEST: "longest context",
    Question.BATCH: "largest batch",
    Question.MODEL: "largest model",
    Question.CARD: "smallest card",
}
"""A question in a person's words."""


@dataclass(frozen=True)
class Way:
    """One plan to take. estimate: its own; sentence: what it is, what it needs and takes; note: why it is named."""

    plan: Plan
    estimate: Estimate
    sentence: str
    note: str = ""


@dataclass(frozen=True)
class Miss:
    """A plan that does not fit. over: (place, bytes beyond what it has), the worst first."""

    plan: Plan
    estimate: Estimate
    over: tuple[tuple[str, int], ...]
    sentence: str


@dataclass(frozen=True)
class Answer:
    """plan, estimate: None where nothing fits; then `misses` has the nearest. sentence: the answer in words.

    alternatives: other ways worth a look. full: of the same plan if every row were as long as rows may be, where that
    is what was asked (longest context); `estimate` is of the data as it is.
    """

    question: Question
    plan: Plan | None
    estimate: Estimate | None
    sentence: str
    alternatives: tuple[Way, ...] = ()
    misses: tuple[Miss, ...] = ()
    full: Estimate | None = None


class Room(NamedTuple):
    """What the computing device has for the run: as it is, or as a person tries it. Other places are as they are."""

    budget_bytes: int | None = None

    def verdict(self, one: Estimate) -> Verdict:
        if self.budget_bytes is None or not one.tiers:
            return one.verdict
        return judge(self.tried(one).tiers)

    def fits(self, one: Estimate) -> bool:
        return self.verdict(one) is Verdict.FITS

    def over(self, one: Estimate) -> tuple[tuple[str, int], ...]:
        """(place, bytes beyond what it has), the worst first; by the high figure, as the verdict goes."""
        found = [(t.name, t.high_bytes - t.budget_bytes) for t in self.tried(one).tiers]
        return tuple(sorted((x for x in found if x[1] > 0), key=lambda x: -x[1]))

    def tried(self, one: Estimate) -> Estimate:
        """The estimate with this room."""
        if self.budget_bytes is None or not one.tiers:
            return one
        first, *others = one.tiers
        larger = first._replace(
            budget_bytes=self.budget_bytes, capacity_bytes=max(first.capacity_bytes, self.budget_bytes, 1)
        )
        return Estimate(one.plan, one.timeline, one.lines, (larger, *others), one.verdict, certain=one.certain)


def in_words(plan: Plan) -> str:
    """`Llama-3.1-8B in 4-bit (NF4) with LoRA of rank 16, 4 × 1,024 (2 to a step)`."""
    name = plan.model.name.rsplit("/", 1)[-1]
    stored, trained = plan.stage.choice(Slot.WEIGHTS), plan.stage.choice(Slot.TRAINABLE)
    what = name
    if stored is not None:
        what += f" in {technique(stored.slot, stored.technique).label}"
    if trained is not None:
        what += f" with {technique(trained.slot, trained.technique).label}{_set_as(trained.options)}"
    schedule = plan.stage.schedule
    several = f" ({schedule.grad_accumulation} to a step)" if schedule.grad_accumulation > 1 else ""
    return f"{what}, {schedule.micro_batch} × {schedule.max_length:,}{several}"


def _set_as(options: Any) -> str:
    """What sets two plans apart that train in the same way: a rank, and matmuls where not every one is meant."""
    rank, targets = getattr(options, "rank", 0), getattr(options, "target_modules", EVERY)
    return (f" of rank {rank}" if rank else "") + ("" if targets == EVERY else f" on {', '.join(targets)}")


def sentence_of(one: Estimate, room: Room | None = None, *, timed_too: bool = True) -> str:
    """What the plan is, what it needs of the place it computes in, and about how long an epoch takes."""
    first = (room or Room()).tried(one).tiers[0]
    text = f"{in_words(one.plan)}: {words(first.peak_bytes)} of {words(first.budget_bytes)}"
    taken = timed(one.plan) if timed_too else None
    return f"{text}, about {span(taken.seconds_per_epoch[1])} an epoch." if taken else f"{text}."


def miss_of(one: Estimate, room: Room) -> Miss:
    over = room.over(one)
    what = ", ".join(f"{words(size)} over on {place}" for place, size in over)
    return Miss(one.plan, one, over, f"{in_words(one.plan)}: {what}.")


def rows_in_words(data: DataFacts) -> str:
    """How long the rows are, for a sentence about lengths; empty where that is not known."""
    if not data.lengths:
        return ""
    counted = "" if data.lengths_from == "counted" else "about "
    return f"The longest row of {data.name} has {counted}{max(data.lengths):,} tokens"
