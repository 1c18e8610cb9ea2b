"""How a run stood when its memory ran out: the worker's own figures, or what can be told of one that the system ended.

The worker writes `Shortage` as the details of its last word; a worker that was killed said nothing, so its latest reading
of memory stands for what it held. Read leniently: the journal may be another version's, and a figure less is no reason
to say nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.run import journal, layout, lock
from planner.run.events import Event, Failed, Memory, Started
from planner.run.small_file import mapping_of

CODE = "memory.out"
ASKED, LARGEST = "asked", "largest"


@dataclass(frozen=True)
class Shortage:
    """All sizes in bytes, 0 where nobody knows; texts empty.

    phase, moment: as the ledger names them, where the run stood. line: of the ledger; line_is: ASKED where it is what was
    being allocated, LARGEST where it is the largest that was alive then; line_bytes: by
    the ledger. tier: host or device, the place that ran out.
    free_bytes: what could still be had when `asked_bytes` were refused. held_bytes: of the run itself, then. said_bytes:
    predicted peak. limit_bytes: what the place or the limit allows in all, limit: which one, in words. holders: who held
    the rest, (name, bytes). retry: words for the smallest change, as the worker saw it.
    """

    phase: str = ""
    moment: str = ""
    step: int = 0
    line: str = ""
    line_is: str = ""
    line_bytes: int = 0
    tier: str = "host"
    asked_bytes: int = 0
    free_bytes: int = 0
    held_bytes: int = 0
    said_bytes: int = 0
    limit_bytes: int = 0
    limit: str = ""
    holders: tuple[tuple[str, int], ...] = ()
    retry: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def got_bytes(self) -> int:
        """What the run could have had: what it held, and what was free beside it where that was too little."""
        return self.held_bytes + (self.free_bytes if self.free_bytes < self.asked_bytes else 0)

    @property
    def missing_bytes(self) -> int:
        """By how much what was asked for was more than there was; 1 where nobody knows."""
        return max(1, self.asked_bytes - self.free_bytes)


def to_details(short: Shortage) -> dict[str, Any]:
    """As the journal keeps it."""
    return {**dataclasses.asdict(short), "holders": [list(x) for x in short.holders], "retry": dict(short.retry)}


def from_details(details: Mapping[str, Any]) -> Shortage:
    """What can be understood of it. Raises nothing."""
    found: dict[str, Any] = {}
    for f in dataclasses.fields(Shortage):
        value, default = details.get(f.name), Shortage.__dataclass_fields__[f.name].default
        if f.name == "holders":
            found[f.name] = _holders(value)
        elif f.name == "retry":
            found[f.name] = value if isinstance(value, dict) else {}
        elif isinstance(default, int):
            found[f.name] = max(0, value) if type(value) is int else 0
        else:
            found[f.name] = value if isinstance(value, str) else default
    return Shortage(**found)


def _holders(value: Any) -> tuple[tuple[str, int], ...]:
    pairs = value if isinstance(value, list) else []
    return tuple((p[0], p[1]) for p in pairs if isinstance(p, list) and [type(x) for x in p] == [str, int])


def shortage_of(run_dir: Path) -> Shortage | None:
    """How the run's latest worker stood when its memory ran out; None when it did not end for that."""
    events = journal.tail(run_dir)
    last = next((e for e in reversed(events) if isinstance(e, (Failed, Started))), None)
    if isinstance(last, Failed) and last.problem.code == CODE:
        short = from_details(last.details)
        if short.held_bytes:
            return short
        return dataclasses.replace(
            short, held_bytes=_last_held(events), phase=short.phase or last.phase, step=last.step
        )
    if lock.state(run_dir) in (lock.State.LOST, lock.State.QUEUED) and ended_by_kill(run_dir):
        reading = _last_reading(events)
        step = reading.step if reading else 0
        moment = reading.moment if reading else ""
        return Shortage(moment=moment, step=max(0, step), held_bytes=_last_held(events), limit="", line="")
    return None


def ended_by_kill(run_dir: Path) -> bool:
    """Whether the latest worker was ended by SIGKILL, as whoever started it saw it."""
    return bool(mapping_of(run_dir / layout.EXIT).get("returncode") == -9)


def ended_for_memory(run_dir: Path) -> bool:
    """Whether the system is known to have ended it because memory ran out: the kernel counted one while it lived."""
    return ended_by_kill(run_dir) and bool(mapping_of(run_dir / layout.EXIT).get("oom_kills"))


def _last_held(events: Sequence[Event]) -> int:
    """The latest reading that decides: of the device where there is one."""
    reading = _last_reading(events)
    return reading.bytes if reading else 0


def _last_reading(events: Sequence[Event]) -> Memory | None:
    found: Memory | None = None
    for event in reversed(events):
        if isinstance(event, Started):
            break
        if isinstance(event, Memory) and not math.isnan(event.bytes):
            if event.tier == "device" and event.source != "allocated":
                return event
            found = found or event
    return found
