"""Where the arrow keys lead among the scatter's plans: along the frontier, to its ends, above and below. Qt-free."""

from __future__ import annotations

from enum import Enum

from app.pages.explore.points import Placed, ScatterData


class Step(Enum):
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"
    FIRST = "first"
    LAST = "last"


def walk(data: ScatterData, placed: Placed, step: Step, here: int) -> int:
    """The plan that a step leads to from the plan `here` (−1: from none); `here` itself where it leads nowhere."""
    if not len(data.shown):
        return -1
    if here >= 0 and step in (Step.UP, Step.DOWN):
        found = placed.neighbour(here, up=step is Step.UP)
        return found if found >= 0 else here
    line = data.frontier_shown.tolist() or data.shown[:1].tolist()
    if step is Step.LAST:
        return int(line[-1])
    if step is Step.FIRST or here < 0:
        return int(line[0])
    if here in line:
        at = line.index(here) + (1 if step is Step.RIGHT else -1)
        return int(line[min(max(at, 0), len(line) - 1)])
    if step is Step.RIGHT:
        return int(next((r for r in line if data.x[r] > data.x[here]), line[-1]))
    return int(next((r for r in reversed(line) if data.x[r] < data.x[here]), line[0]))
