"""What a finished run says of a device's speed: its steps by the clock beside what uncorrected formulas say of the same steps.

The first step of each session is left out: kernels are made for its shapes, and the optimizer makes its states. Pure:
the journal's events are handed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from planner.drafting import draft
from planner.plan import Plan
from planner.run.events import Event, Finished, Started, Step
from planner.timing.rates_of import rates_of
from planner.timing.speed import speed_of
from planner.timing.work import work_of_steps

FEWEST = 2  # steps that count; of one alone nobody can tell whether it was like the others


class Seen(NamedTuple):
    """said_s: of the steps that count. took_s: the same as the middle one of them went, so that a moment in which the
    computer was busy elsewhere does not count. watts: of the sensor, 0 where there was none."""

    steps: int
    said_s: float
    took_s: float
    watts: float


def steps_timed(plan: Plan, events: Iterable[Event]) -> Seen | None:
    """plan: without corrections. None where the steps were too few, or where their batches are not known."""
    events = tuple(events)
    took = dict(_seconds(events))
    speed = speed_of(plan)
    works = work_of_steps(plan.data, plan.stage.schedule, max(took, default=0))
    if speed is None or len(took) < FEWEST or len(works) < max(took):
        return None
    rates = rates_of(draft(plan), speed)
    said = {number: float(rates.seconds(works[number - 1])) for number in took}
    in_all = sum(said.values())
    times = median(took[number] / said[number] for number in took)
    return Seen(len(took), in_all, in_all * times, _watts(events))


def _seconds(events: Iterable[Event]) -> Iterable[tuple[int, float]]:
    """(number, seconds) of each step but the first of each session, from the tokens it had and their rate."""
    tokens, fresh = 0, True
    for event in events:
        if isinstance(event, Started):
            fresh = True
        elif isinstance(event, Step):
            mine, tokens = event.tokens - tokens, event.tokens
            if not fresh and mine > 0 and event.tokens_per_s > 0:
                yield event.step, mine / event.tokens_per_s
            fresh = False


def _watts(events: Iterable[Event]) -> float:
    """The run's own mean power, as its last event has it."""
    for event in events:
        if isinstance(event, Finished):
            joules, seconds = event.measured.get("joules"), event.measured.get("joules_s")
            if isinstance(joules, int | float) and isinstance(seconds, int | float) and seconds > 0 and joules > 0:
                return float(joules) / float(seconds)
    return 0.0
