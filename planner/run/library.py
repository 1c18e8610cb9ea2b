"""Every run there is, from the folders alone: one summary each, cheap for a thousand of them.

A run of this window, of another one, of the command line and of last year are the same case. What was read of a folder
is kept by the size and date of its files, in memory and in one small file beside the folders, so that only what has
changed is opened again. Whether a run lives is asked of its lock every time. It starts, stops and deletes nothing.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from planner.atomic_file import write_atomically
from planner.problem import ProblemError
from planner.run import about, layout, lock
from planner.run.home import runs_dir
from planner.run.summary import CUT_OFF, FACT_NAMES, Facts, facts_of

KEPT = ".library.json"
KEPT_SCHEMA = 1
LARGEST_KEPT_BYTES = 64 * 1024**2
WATCHED = (layout.SPEC, layout.EVENTS, about.ABOUT, layout.EXIT)  # what a summary is read from

Stamp = tuple[int, ...]


class RunState(StrEnum):
    """What stands in a list; one word that a person can search for."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    RELEASED = "released"
    NOT_STARTED = "not started"

    @property
    def live(self) -> bool:
        """Whether a worker is at it."""
        return self in (RunState.RUNNING, RunState.PAUSED)


@dataclass(frozen=True)
class RunSummary:
    """One run as a list shows it. Bytes and steps are 0, texts empty and loss not a number where nothing is known.

    low_bytes, predicted_bytes, high_bytes: what was said of the counter `source`, which measured `peak_bytes`. began:
    seconds, epoch. disk_bytes: −1 until it was counted. whole: all batches came, so that said and took can be compared.
    resumable: a start would go on with it. unread: what could not be read of it, in words.
    """

    run_dir: Path
    name: str
    state: RunState
    model: str = ""
    method: str = ""
    step: int = 0
    total_steps: int = 0
    loss: float = math.nan
    source: str = ""
    peak_bytes: int = 0
    low_bytes: int = 0
    predicted_bytes: int = 0
    high_bytes: int = 0
    began: float = 0.0
    seconds: float = 0.0
    sessions: int = 0
    disk_bytes: int = -1
    tags: tuple[str, ...] = ()
    note: str = ""
    sentence: str = ""
    peak_at: str = ""
    problem_code: str = ""
    problem_fact: str = ""
    problem_advice: str = ""
    whole: bool = False
    resumable: bool = False
    unread: str = ""

    @cached_property
    def key(self) -> str:
        """Names the run among all."""
        return self.run_dir.name

    @property
    def miss(self) -> float | None:
        """(took − said) / said of a run whose batches all came; None where nothing can be compared."""
        if not self.whole or not self.predicted_bytes or not self.peak_bytes:
            return None
        return (self.peak_bytes - self.predicted_bytes) / self.predicted_bytes


@dataclass(frozen=True)
class Known:
    """What one look at a folder gave. stamp: sizes and dates of the files it was read from."""

    stamp: Stamp
    facts: Facts


@dataclass(frozen=True)
class Library:
    """All runs of one folder; `known` is by folder name. Make one with `look`."""

    root: Path
    known: Mapping[str, Known]
    runs: tuple[RunSummary, ...] = ()

    @cached_property
    def by_key(self) -> dict[str, RunSummary]:
        return {run.key: run for run in self.runs}


def runs(root: Path | None = None) -> tuple[RunSummary, ...]:
    """Every run, the newest first. Raises nothing: a folder that is not there holds none."""
    return look(root).runs


def look(root: Path | None = None, before: Library | None = None, *, keep: bool = True) -> Library:
    """Look at all folders; those that have not changed since `before` are not opened.

    keep: write down what was read, for the next window. Raises nothing.
    """
    root = root or runs_dir()
    names = _names(root)
    same = before is not None and before.root == root
    earlier = before.known if before is not None and same else _kept(root) if names else {}
    shown = before.by_key if before is not None and same else {}
    known: dict[str, Known] = {}
    summaries: list[RunSummary] = []
    fresh = 0
    for name in names:
        folder = root / name
        stamp = stamp_of(folder)
        if not stamp[0] and not stamp[2]:
            continue  # neither a spec nor a journal: no run
        found = earlier.get(name)
        if found is None or found.stamp != stamp:
            found = Known(stamp, facts_of(folder))
            fresh += 1
        known[name] = found
        if found.facts.job != "train":
            continue
        was = shown.get(name)
        now = summary(folder, found.facts, disk_bytes=was.disk_bytes if was is not None else -1)
        summaries.append(was if was is not None and _equal(was, now) else now)
    if keep and (fresh or len(known) != len(earlier)):
        _keep(root, known)
    return Library(root, known, tuple(summaries))


def summary(folder: Path, facts: Facts, *, disk_bytes: int = -1) -> RunSummary:
    """The facts with the run's state now. disk_bytes: as it was counted last."""
    state = _state(folder, facts)
    died = state is RunState.LOST
    complete = facts.outcome == "done" or (facts.outcome == "stopped" and 0 < facts.total_steps <= facts.step)
    return RunSummary(
        run_dir=folder,
        state=state,
        disk_bytes=disk_bytes,
        whole=facts.word == "finished" and complete,
        resumable=not state.live and not complete and state not in (RunState.NOT_STARTED, RunState.QUEUED),
        problem_code="worker.died" if died else facts.problem_code,
        unread=facts.unread.replace(CUT_OFF, "").strip() if state.live else facts.unread,  # it is being written
        **{name: getattr(facts, name) for name in _SHARED},
    )


_SHARED = tuple(f.name for f in fields(RunSummary) if f.name in FACT_NAMES and f.name not in ("problem_code", "unread"))


def _state(folder: Path, facts: Facts) -> RunState:
    """The lock is asked first: a worker may write its last word in between, and is then seen at the next look."""
    if lock.is_held(folder):
        return RunState.PAUSED if facts.phase == "paused" and facts.word != "finished" else RunState.RUNNING
    if (folder / layout.QUEUED).exists():
        return RunState.QUEUED
    if facts.word == "finished":
        return {"stopped": RunState.STOPPED, "released": RunState.RELEASED}.get(facts.outcome, RunState.DONE)
    if facts.word == "failed":
        return RunState.FAILED
    if facts.word or (folder / layout.EXIT).exists():
        return RunState.LOST
    return RunState.NOT_STARTED


def _equal(a: RunSummary, b: RunSummary) -> bool:
    return a == b or repr(a) == repr(b)  # a loss that is not a number is no difference


def _names(root: Path) -> list[str]:
    """Folders that may be runs, the newest first: their names begin with when they were made."""
    try:
        with os.scandir(root) as entries:
            return sorted((e.name for e in entries if not e.name.startswith(".") and e.is_dir()), reverse=True)
    except OSError:
        return []


def stamp_of(folder: Path) -> Stamp:
    """(date, size) of each file a summary is read from, zeros for one that is not there."""
    stamp: list[int] = []
    for name in WATCHED:
        try:
            seen = os.stat(f"{folder}{os.sep}{name}")  # noqa: PTH116 - asked thousands of times, and a Path takes longer
            stamp += [seen.st_mtime_ns, seen.st_size]
        except (OSError, ValueError):
            stamp += [0, 0]
    return tuple(stamp)


def _kept(root: Path) -> dict[str, Known]:
    """What an earlier look wrote down; empty where it cannot be used, and then everything is read again."""
    try:
        with (root / KEPT).open("rb") as file:
            data = file.read(LARGEST_KEPT_BYTES + 1)
        found = json.loads(data) if len(data) <= LARGEST_KEPT_BYTES else None
        if not isinstance(found, dict) or found.get("schema") != KEPT_SCHEMA or found.get("fields") != list(FACT_NAMES):
            return {}
        return {str(name): _known(stamp, values) for name, (stamp, values) in found["runs"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


_DEFAULTS = Facts()
_TYPES = tuple(type(getattr(_DEFAULTS, name)) for name in FACT_NAMES)


def _known(stamp: Any, values: Any) -> Known:
    """Raises ValueError or TypeError for anything that this module would not have written."""
    if len(stamp) != 2 * len(WATCHED) or len(values) != len(FACT_NAMES):
        raise ValueError
    read: list[Any] = [
        math.nan if kind is float and v is None else tuple(v) if kind is tuple and type(v) is list else v
        for kind, v in zip(_TYPES, values, strict=True)
    ]
    if any(type(v) is not kind for kind, v in zip(_TYPES, read, strict=True)) or {type(n) for n in stamp} != {int}:
        raise ValueError
    facts = Facts(*read)
    if any(type(tag) is not str for tag in facts.tags):
        raise ValueError
    return Known(tuple(stamp), facts)


_WRITING = threading.Lock()


def _keep(root: Path, known: Mapping[str, Known]) -> None:
    """Only to be faster next time: where it cannot be written, nothing is lost."""
    rows = {
        name: [one.stamp, [None if v != v else v for v in (getattr(one.facts, f) for f in FACT_NAMES)]]
        for name, one in known.items()
    }
    text = json.dumps({"schema": KEPT_SCHEMA, "fields": FACT_NAMES, "runs": rows}, separators=(",", ":"))
    with _WRITING, contextlib.suppress(ProblemError):
        write_atomically(root / KEPT, text.encode())
