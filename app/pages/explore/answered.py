"""A question put to what was explored, with all that its answer depends on, and the answer in the page's words. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass

from app.pages.explore.looked import (
    BATCH_AND_LENGTH,
    TRAINED,
    WEIGHTS,
    Meant,
    batch_and_length,
    device_words,
    figures_words,
    look_at,
)
from app.pages.explore.state import ExploreState
from planner.estimate import Estimate
from planner.explore.answer import Answer, Question
from planner.explore.costs import QUALITY, Cost
from planner.explore.explored import Explored, Mask
from planner.explore.questions import ask
from planner.problem import Problem
from planner.timing.timed import timed
from planner.units import words

HEADINGS = {
    Question.BEST: "Best that fits",
    Question.LONGEST: "Longest context",
    Question.BATCH: "Largest batch",
    Question.MODEL: "Largest model",
    Question.CARD: "Smallest card",
}
LEAST = {"seconds": "Fastest that learns as much", "trainable": "Most trained that fits",
         "saved": "Smallest result that learns as much", "money": "Cheapest that learns as much",
         "energy": "Least energy that learns as much", "quality": "Learns most"}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question with all that its answer depends on. budget_bytes: None for what the device has."""

    question: Question
    explored: Explored
    cost: Cost
    budget_bytes: int | None
    among: Mask


@dataclass(frozen=True)
class Told:
    """An answer in the page's words. meant: its plan, None where nothing fits. others: ways beside it, or the nearest plans
    with what they miss."""

    asked: Asked
    heading: str
    title: str
    sentence: str
    meant: Meant | None
    others: tuple[tuple[Meant, str], ...] = ()

    @property
    def short(self) -> str:
        """For the status line."""
        return f"{self.heading.lower()}: {self.title}" if self.meant else self.title.lower()


def asked_of(state: ExploreState) -> Asked:
    assert state.explored is not None
    return Asked(state.question, state.explored, state.cost, state.what_if_bytes, state.among)


def tell(asked: Asked) -> Told:
    """Answer and put it into words; on any thread."""
    cost, room, among = asked.cost, asked.budget_bytes, asked.among
    found = ask(asked.question, asked.explored, cost=cost, budget_bytes=room, among=among)
    heading = HEADINGS[asked.question]
    if asked.question is Question.BEST:
        heading = LEAST.get(asked.cost.key, heading)
    if isinstance(found, Problem):
        return Told(asked, heading, "Cannot tell", f"{found.fact} {found.advice}", None)
    if found.estimate is None:
        return _nearest(asked, heading, found)
    meant = _meant(asked, found.estimate)
    ways = tuple((m, _way(asked, m, way.note)) for way in found.alternatives if (m := _meant(asked, way.estimate)))
    return Told(asked, heading, _title(asked, found, meant), found.sentence, meant, ways)


def _nearest(asked: Asked, heading: str, found: Answer) -> Told:
    """Nothing fits: what the nearest plans miss, each by what tells it from the others; what all are is said once."""
    near = [(meant, miss) for miss in found.misses if (meant := _meant(asked, miss.estimate))]
    parts = [
        {**dict(m.looked.answers), BATCH_AND_LENGTH: batch_and_length(m.looked.plan.stage.schedule)} for m, _ in near
    ]
    questions = dict.fromkeys(q for one in parts for q in one)
    apart = [q for q in questions if len({one.get(q) for one in parts}) > 1]
    alike = [parts[0].get(q, "") for q in (WEIGHTS, TRAINED, BATCH_AND_LENGTH) if parts and q not in apart]
    told = []
    for (meant, miss), one in zip(near, parts, strict=True):
        here = asked.explored.place
        over = [words(size) + ("" if place == here else f" on {place}") for place, size in miss.over]
        what = " · ".join(one.get(q, "–") for q in apart) or meant.looked.name
        told.append((meant, f"{' and '.join(over) or 'a little'} over: {what}"))
    sentence = f"{found.sentence} Each is {' · '.join(alike)}." if alike and len(near) > 1 else found.sentence
    return Told(asked, heading, "Nothing fits", sentence, None, tuple(told))


def _way(asked: Asked, meant: Meant, note: str) -> str:
    """`6.92 GiB · 23 s: needs least`, and of a card its name first."""
    figures = figures_words(meant.looked)
    if asked.question is Question.CARD:
        figures = f"{device_words(meant.looked.plan)} · {figures}"
    return f"{figures}: {note}" if note else figures


def _meant(asked: Asked, one: Estimate) -> Meant | None:
    time = timed(one.plan)
    return look_at(asked.explored, one, time.seconds_per_epoch[1] if time else float("nan"))


def _title(asked: Asked, found: Answer, meant: Meant | None) -> str:
    assert found.plan is not None
    schedule = found.plan.stage.schedule
    match asked.question:
        case Question.LONGEST:
            return f"{schedule.max_length:,} tokens"
        case Question.BATCH:
            return f"{schedule.micro_batch:,} rows"
        case Question.MODEL:
            return found.plan.model.name.rsplit("/", 1)[-1]
        case Question.CARD:
            return device_words(found.plan)
    return figures_of(asked, meant) if meant else ""


def figures_of(asked: Asked, meant: Meant) -> str:
    """`21.8 GiB · 0.54 h`: what it needs, and the cost that is looked at."""
    need = words(meant.looked.peak)
    if meant.row < 0 or asked.cost is QUALITY:  # a class in words is too long for a title
        return figures_words(meant.looked)
    return f"{need} · {asked.cost.text(float(asked.cost.column(asked.explored)[meant.row]))}"
