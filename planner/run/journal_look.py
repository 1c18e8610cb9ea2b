"""The first look at a journal of any length: which of its lines are decoded so that a page says what all of them would.

Whole: everything rare, and everything of a short journal. Of a long one's steps: runs of neighbours, evenly over it, so
that a curve is drawn from what was there and a mean has what it needs; all of the latest, from which present figures
come; all before a checkpoint that was resumed from. Of its memory: readings evenly over it and, of each session, the
first, the last (whose `peak_bytes` is the session's) and the highest. What was passed over is told as `Skipped`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from planner.problem import Problem
from planner.run.events import Checkpoint, Event, Memory, Started
from planner.run.journal_index import MANY, JournalIndex, Kind

WHOLE_LINES = 20_000
GROUPS, IN_GROUP = 400, 40
LATEST = 256  # steps; of an exponential mean over ten, what lies further back is less than a float can tell
READINGS = 4000
EXACT_SESSIONS = 50  # the latest, whose highest readings and whose means at a resume are looked for
EXACT_CHECKPOINTS = 3  # the latest, one of which will be resumed from
DRAWN = (Kind.PROCESS, Kind.RESERVED, Kind.SWAPPED)


@dataclass(frozen=True)
class Skipped:
    """Steps were passed over between the event before and the one after."""

    steps: int


@dataclass(frozen=True)
class FirstLook:
    """In the journal's order. looked_at, of: steps decoded, and steps there are lines of."""

    events: tuple[Event | Skipped, ...]
    problems: tuple[Problem, ...]
    looked_at: int
    of: int


def first_look(
    index: JournalIndex,
    *,
    whole_lines: int = WHOLE_LINES,
    groups: int = GROUPS,
    in_group: int = IN_GROUP,
    latest: int = LATEST,
    readings: int = READINGS,
) -> FirstLook:
    """What to fold. Raises OSError when the file is gone."""
    if len(index) <= whole_lines:
        steps = [n for n in range(len(index)) if index.kinds[n] == Kind.STEP]
        return _look(index, list(range(len(index))), {line: n for n, line in enumerate(steps)}, len(steps))
    return _Choice(index).look(groups, in_group, latest, readings)


def _look(index: JournalIndex, lines: list[int], steps: dict[int, int], of: int) -> FirstLook:
    """Decode `lines`; `steps`: which of them are steps, and the how manyth of all `of` each is."""
    events: list[Event | Skipped] = []
    problems: list[Problem] = []
    before = -1
    for line, event in zip(lines, _decoded(index, lines), strict=True):
        if line in steps:
            if steps[line] > before + 1:
                events.append(Skipped(steps[line] - before - 1))
            before = steps[line]
        if isinstance(event, Problem):
            problems.append(event)
        else:
            events.append(event)
    return FirstLook(tuple(events), tuple(problems), len(steps), of)


def _decoded(index: JournalIndex, lines: list[int]) -> Iterator[Event | Problem]:
    for begin in range(0, len(lines), 2048):
        yield from index.events(lines[begin : begin + 2048])


class _Choice:
    """The lines of a long journal that are worth decoding."""

    def __init__(self, index: JournalIndex) -> None:
        import numpy as np

        self._np, self._index = np, index
        kinds = np.frombuffer(bytes(index.kinds), np.uint8)
        self._of = {kind: np.flatnonzero(kinds == kind) for kind in (Kind.STEP, *DRAWN)}
        self._wanted = ~np.isin(kinds, [int(kind) for kind in MANY])
        starts = np.flatnonzero(kinds == Kind.STARTED).tolist()
        self._sessions = list(zip((0, *starts), (*starts, len(kinds)), strict=True))

    def look(self, groups: int, in_group: int, latest: int, readings: int) -> FirstLook:
        steps, checkpoints = self._of[Kind.STEP], self._checkpoints()  # asked while only what is rare is wanted
        self._spread(steps, groups, in_group)
        self._wanted[steps[-latest:]] = True
        for line in checkpoints:
            before = int(self._np.searchsorted(steps, line))
            self._wanted[steps[max(0, before - latest) : before]] = True
        for n, (begin, end) in enumerate(self._sessions):
            if end > begin:
                self._wanted[end - 1] = True  # how long the session went on
            for kind, lines in self._of.items():
                if len(within := lines[slice(*self._np.searchsorted(lines, (begin, end)))]):
                    self._wanted[within[[0, -1]]] = True
                    if kind != Kind.STEP and n >= len(self._sessions) - EXACT_SESSIONS:
                        self._wanted[self._highest(within)] = True
        for kind in DRAWN:
            self._spread(self._of[kind], readings, 1)
        chosen = self._np.flatnonzero(self._wanted[steps])
        places = dict(zip(steps[chosen].tolist(), chosen.tolist(), strict=True))
        return _look(self._index, self._np.flatnonzero(self._wanted).tolist(), places, len(steps))

    def _spread(self, lines: Any, groups: int, in_group: int) -> None:
        """`groups` runs of `in_group` neighbours, evenly over `lines`."""
        if len(lines) <= groups * in_group:
            self._wanted[lines] = True
            return
        begins = self._np.linspace(0, len(lines) - in_group, groups).astype(int)
        self._wanted[lines[(begins[:, None] + self._np.arange(in_group)).ravel()]] = True

    def _checkpoints(self) -> list[int]:
        """Lines of the checkpoints whose means are needed: those resumed from, and the latest."""
        rare = self._np.flatnonzero(self._wanted).tolist()
        latest: dict[int, int] = {}  # step: line
        needed: list[int] = []
        for line, event in zip(rare, _decoded(self._index, rare), strict=True):
            if isinstance(event, Checkpoint):
                latest.pop(event.step, None)
                latest[event.step] = line
            elif isinstance(event, Started) and event.resumed_from in latest:
                needed.append(latest[event.resumed_from])
        return [*needed[-EXACT_SESSIONS:], *list(latest.values())[-EXACT_CHECKPOINTS:]]

    def _highest(self, lines: Any) -> int:
        """The reading of these that first reached the session's highest; `peak_bytes` never falls within a session."""

        def peak(at: int) -> int:
            event = self._index.events([int(lines[at])])[0]
            return event.peak_bytes if isinstance(event, Memory) else 0

        highest, low, high = peak(len(lines) - 1), 0, len(lines) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if peak(middle) >= highest else (middle + 1, high)
        return int(lines[low])
