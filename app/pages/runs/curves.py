"""The curves of some runs, read from their journals on a thread: as many points as a chart shows, whatever their length.

What was read of a run stays known until its journal grows. Qt-free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.journal_reader import Known, look
from planner.plan import Plan
from planner.problem import Problem
from planner.run.library import RunSummary, Stamp, stamp_of

Points = tuple[tuple[float, ...], tuple[float, ...]]
NO_POINTS: Points = ((), ())


@dataclass(frozen=True)
class Curves:
    """One run: (xs, ys) of its losses by step, raw and smoothed, and of its memory in bytes by seconds; and its plan."""

    stamp: Stamp
    raw: Points = NO_POINTS
    smooth: Points = NO_POINTS
    memory: Points = NO_POINTS
    plan: Plan | None = None
    died: Problem | None = None
    saved_at: int = 0
    problem: Problem | None = None


def read(runs: Sequence[RunSummary], before: Mapping[str, Curves]) -> dict[str, Curves]:
    """Curves by key. Raises nothing."""
    found: dict[str, Curves] = {}
    for run in runs:
        stamp = stamp_of(run.run_dir)
        known = before.get(run.key)
        found[run.key] = known if known is not None and known.stamp == stamp else _read(run.run_dir, stamp)
    return found


def _read(run_dir: Path, stamp: Stamp) -> Curves:
    seen = look(run_dir, Known())
    record = seen.record
    if record is None:
        return Curves(stamp, plan=seen.spec.plan if seen.spec else None, died=seen.died)
    return Curves(
        stamp,
        raw=_points(record.raw.points()),
        smooth=_points(record.smooth.points()),
        memory=_points(record.memory.points()),
        plan=seen.spec.plan if seen.spec else None,
        died=seen.died,
        saved_at=record.checkpoints[-1].step if record.checkpoints else 0,
        problem=seen.problems[0] if seen.problems else None,
    )


def _points(points: tuple[Sequence[float], Sequence[float]]) -> Points:
    xs, ys = points
    return tuple(xs), tuple(ys)
