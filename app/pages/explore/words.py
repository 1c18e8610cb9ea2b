"""What the right side says, as one value made from what was found, from the answer and from the plan that is looked at.

Without widgets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.pages.explore.answered import Told
from app.pages.explore.differing import differences
from app.pages.explore.finding import Found
from app.pages.explore.looked import Meant, device_words, figures_words, lines, look
from app.pages.explore.state import ExploreState
from planner.explore.answer import Question
from planner.explore.costs import QUALITY, span
from planner.explore.explored import DOES_NOT_FIT, FITS, TIGHT, Explored
from planner.explore.quality import quality_of, said_of
from planner.plan import Plan
from planner.units import words

VERDICTS = {FITS: ("Fits", "good"), TIGHT: ("Tight", "warn"), DOES_NOT_FIT: ("Does not fit", "bad")}
WOULD = {FITS: "Would fit", TIGHT: "Would be tight", DOES_NOT_FIT: "Would not fit"}
"""The same with a budget that is assumed."""


class Fact(NamedTuple):
    """tone: role of the value's colour. fixed: the value is figures."""

    name: str
    value: str
    tone: str = "text"
    fixed: bool = False


@dataclass(frozen=True)
class DetailWords:
    """others: ways to look at beside it. same: in place of differences. learns: what it can learn. is_own: it is the person's plan already."""

    heading: str
    title: str
    sentence: str
    others: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    differences: tuple[Fact, ...] = ()
    same: str = ""
    learns: str = ""
    meant: Meant | None = None
    is_own: bool = False


def detail_of(state: ExploreState, found: Found, told: Told | None) -> DetailWords:
    """The plan that is looked at; else the answer, or that there is none."""
    meant = state.meant or (told.meant if told else None)
    others = tuple(text for _, text in told.others) if told and state.meant is None else ()
    if meant is None:
        if told is None:
            return DetailWords(state.question.replace("_", " "), "Looking …", "")
        return DetailWords(told.heading, told.title, told.sentence, others)
    looked = meant.looked
    if state.meant is None and told is not None:
        heading, title, sentence = told.heading, told.title, _short(told)
    else:
        heading, title, sentence = "This plan", figures_words(looked), ""
    is_own = state.own is not None and looked.plan == state.own.plan
    other = differences(state.own, looked) if state.own is not None and not is_own else []
    return DetailWords(
        heading,
        title,
        sentence,
        others,
        facts=(*_verdict(state, meant), *_time(found, meant), *(Fact(*line) for line in lines(looked, found.facets))),
        differences=tuple(Fact(d.what, d.change, d.tone, d.change[:1] in "+−×±") for d in other),
        learns=learns_words(state, meant),
        same="This is your plan." if is_own else "" if other else _no_own(state),
        meant=meant,
        is_own=is_own,
    )


def _verdict(state: ExploreState, meant: Meant) -> Sequence[Fact]:
    """Whether it fits where the load line stands, and what it can learn."""
    if meant.row < 0 or state.explored is None:
        return ()
    said, tone = VERDICTS[int(state.verdicts[meant.row])]
    spare = state.budget_bytes - meant.looked.peak
    margin = f"{words(spare)} to spare" if spare >= 0 else f"{words(-spare)} over"
    if state.what_if_bytes is not None:
        said = f"{WOULD[int(state.verdicts[meant.row])]} in {words(state.budget_bytes)}"
    return (Fact("Verdict", f"{said}, {margin}", tone),)


def _time(found: Found, meant: Meant) -> Sequence[Fact]:
    """How long an epoch takes, between what and what: as far from the expected as for the person's own plan."""
    seconds, time = meant.looked.seconds, found.time
    if math.isnan(seconds) or time is None or not time.seconds_per_epoch[1]:
        return ()
    low, expected, high = time.seconds_per_epoch
    ends = [span(seconds * end / expected) for end in (low, high)]
    return (Fact("Time per epoch", f"{ends[0]} – {ends[1]}"),)


def time_source(found: Found) -> str:
    """Where times are from, and how far they may miss."""
    return f"Times are from {found.time.why}." if found.time else "How long a plan takes is not known for this device."


def _short(told: Told) -> str:
    """What the answer says beyond the figures that stand above it."""
    return "" if told.asked.question is Question.BEST else told.sentence


def learns_words(state: ExploreState, meant: Meant) -> str:
    """What the plan can learn by published comparisons, with the first of their sources, where that is the cost looked at."""
    if state.cost is not QUALITY:
        return ""
    return said_of(quality_of(meant.looked.plan.stage.choices)).sentence


def _no_own(state: ExploreState) -> str:
    return "" if state.own is not None else "Your plan has no figures to compare with."


def about(plan: Plan) -> str:
    """`Llama-3.1-8B · support.jsonl · RTX 4090`."""
    parts = (plan.model.name.rsplit("/", 1)[-1], plan.data.name.rsplit("/", 1)[-1], device_words(plan))
    return " · ".join(part for part in parts if part)


def mini_title(explored: Explored, row: int) -> str:
    return look(explored, row).name


def pinned_words(pins: Sequence[Meant | None]) -> str:
    """What is kept as A and as B."""
    told = [f"{letter}: {one.looked.name if one else 'nothing yet'}" for letter, one in zip("AB", pins, strict=True)]
    return "Two pinned plans beside each other. " + "; ".join(told)
