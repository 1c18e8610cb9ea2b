"""How fast a run goes and how long it has left, from its newest session's latest steps alone. Qt-free; reads no clock.

Only the latest steps count: a first session on a busy computer says nothing about this one, and what a long run did
yesterday little about its next hour. Evaluations, samples and saves are not counted, as a step's tokens per second are
not.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from planner.run.events import Step

ESTIMATE_AFTER = 3  # steps before a time left is said
LATEST_STEPS = 200
STALLED_TIMES = 5.0  # as long as a usual step
STALLED_AFTER_S = 20.0  # a step of a tiny model is over before anybody has read the sentence


class Pace:
    """`take` each step in order; `begin` with each session; `skip` where steps were passed over."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=LATEST_STEPS)
        self._tokens = -1

    def begin(self) -> None:
        self._seconds.clear()
        self._tokens = -1

    def skip(self) -> None:
        self.begin()

    def take(self, event: Step) -> None:
        if self._tokens >= 0 and event.tokens_per_s > 0:
            self._seconds.append((event.tokens - self._tokens) / event.tokens_per_s)
        self._tokens = event.tokens

    def seconds_for(self, steps: int) -> float | None:
        """What so many steps will take; None while it would be a guess."""
        if len(self._seconds) < ESTIMATE_AFTER:
            return None
        return steps * sum(self._seconds) / len(self._seconds)

    def stalled_after_s(self) -> float | None:
        """How long without a step is worth a word; None while no step's usual time is known."""
        if len(self._seconds) < ESTIMATE_AFTER:
            return None
        return max(STALLED_TIMES * median(self._seconds), STALLED_AFTER_S)
