"""One piece of advice: a whole plan that has been estimated, with what it saves, costs and gives up in words.

It neither searches nor ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.changes import Step
from planner.estimate import Estimate, Tier, Verdict
from planner.plan import Plan
from planner.slots import Slot
from planner.units import words


@dataclass(frozen=True)
class Change:
    """One way to a better plan. slot: the question it answers anew, None for several or for the schedule's `field`.

    saves_bytes: at the peak of the fullest place (negative: takes more). time_factor: seconds per token against the
    plan as it is, time_source: where that is from. loses: what is given up; empty for nothing. short: for a button.
    lost: how much is given up (`lost_of`). keys: what it changes, one word each.
    """

    title: str
    detail: str
    plan: Plan
    verdict: Verdict
    saves_bytes: int
    slot: Slot | None = None
    field: str = ""
    time_factor: float = 1.0
    time_source: str = ""
    loses: str = ""
    short: str = ""
    lost: tuple[int, int] = (0, 0)
    keys: frozenset[str] = frozenset()

    @property
    def rank(self) -> tuple[tuple[int, int], float, int]:
        """What makes one change smaller than another: less lost, then less time, then fewer answers changed."""
        return self.lost, self.time_factor, len(self.keys)


def change_of(now: Estimate, steps: Sequence[Step], then: Estimate) -> Change:
    """The change with its figures, measured at the place that is fullest now."""
    saves = 0
    if now.tiers and then.tiers:
        place = fullest(now)
        after = next((t for t in then.tiers if t.place == place.place), None)
        saves = place.peak_bytes - after.peak_bytes if after else place.peak_bytes
    time = time_of(steps)
    loses = "; ".join(dict.fromkeys(s.loses for s in steps if s.loses))
    only = steps[0] if len(steps) == 1 else None
    return Change(
        title=" · ".join(s.title for s in steps),
        detail=_detail(saves, time, loses, then),
        plan=then.plan,
        verdict=then.verdict,
        saves_bytes=saves,
        slot=only.slot if only else None,
        field=only.field if only else "",
        time_factor=round(time, 2),
        time_source="; ".join(dict.fromkeys(s.source for s in steps if s.source)),
        loses=loses,
        short=" + ".join(s.short or s.title for s in steps),
        lost=lost_of(steps),
        keys=frozenset(s.key for s in steps),
    )


def lost_of(steps: Sequence[Step]) -> tuple[int, int]:
    """What steps together give up, by `Step.severity`: the worst of them, and all added up."""
    return max((s.severity for s in steps), default=0), sum(s.severity for s in steps)


def time_of(steps: Sequence[Step]) -> float:
    """Seconds per token against the plan as it is; 1 where nobody has measured a step."""
    time = 1.0
    for step in steps:
        time *= step.time
    return time


def fullest(now: Estimate) -> Tier:
    """The place that decides whether the plan fits."""
    return max(now.tiers, key=lambda t: t.high_bytes - t.budget_bytes)


def _detail(saves: int, time: float, loses: str, then: Estimate) -> str:
    parts = [f"{words(saves)} less." if saves >= 0 else f"{words(-saves)} more."]
    if abs(time - 1) >= 0.05:
        parts.append(f"About {time:.1f} × the time per token.")
    parts.append(f"Gives up: {loses}." if loses else "Gives up nothing else." if time >= 1.05 else "Gives up nothing.")
    return " ".join([*parts, then.reason.split(". ")[0] + "."])
