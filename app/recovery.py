"""The copy of an unsaved plan that a crash or a power cut leaves behind, one for each open window. Qt-free.

A window holds the OS lock beside its copy, so a copy whose lock is free belongs to a window that is gone. Nothing is
ever removed because it could not be read: a damaged copy is set aside under another name.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from app import lengths_beside
from app.lengths_beside import Beside
from planner import plan_file
from planner.atomic_file import write_atomically
from planner.facts.counts import counts
from planner.plan import Plan
from planner.problem import Problem, ProblemError, fail
from planner.run.file_lock import try_lock
from planner.run.home import home

MOST_WINDOWS = 64
BESIDE = "lengths beside"
COPY_LIMIT_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Left:
    """A plan that a window left unsaved. path: the file it was opened from, if it was. when: seconds, epoch."""

    copy: Path
    plan: Plan
    path: Path | None
    when: float


def folder() -> Path:
    return home() / "unsaved"


class Copy:
    """This window's own copy. It takes its place when it is first needed, or that of a window that is gone."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._lock = -1
        self._beside = Beside()
        self._turn = self._last_turn = 0
        self._closed = False
        self._one_at_a_time = threading.Lock()  # it is written off the GUI thread and dropped on it

    @property
    def file(self) -> Path | None:
        """Where the copy lies, None as long as nothing was kept."""
        return self._file

    def take_over(self, left: Left) -> bool:
        """Go on with the copy of a window that is gone; False when another window was quicker."""
        lock = _locked(left.copy)
        if lock < 0:
            return False
        with self._one_at_a_time:
            self._let_go()
            self._file, self._lock = left.copy, lock
        return True

    def turn(self) -> int:
        """A number for `keep`, taken when a plan is given to a thread: whichever thread comes last, the newest plan stays."""
        self._turn += 1
        return self._turn

    def keep(self, plan: Plan, path: Path | None, turn: int = 0) -> None:
        """Write the copy, whole or not at all. Raises ProblemError `file.not_written`."""
        turn = turn or self.turn()
        with self._one_at_a_time:
            if self._closed or turn < self._last_turn:
                return
            self._last_turn = turn
            if self._file is None:
                self._take_place()
            file = self._file or folder() / "0.json"
            data, where = self._beside.keep(file, plan.data)
            value = {"path": str(path or ""), "plan": plan_file.plan_to_json(replace(plan, data=data)), BESIDE: where}
            write_atomically(file, json.dumps(value).encode())
            self._beside.tidy(file)

    def drop(self) -> None:
        """The plan is saved or given up."""
        with self._one_at_a_time:
            if self._file is not None:
                self._file.unlink(missing_ok=True)
                self._beside.tidy(self._file, all_of_them=True)
                self._let_go()

    def close(self) -> None:
        """The window closes: what is kept stays for the next one."""
        with self._one_at_a_time:
            self._closed = True
            self._let_go()

    def _take_place(self) -> None:
        for number in range(1, MOST_WINDOWS + 1):
            file = folder() / f"{number}.json"
            lock = -1 if file.exists() else _locked(file)
            if lock >= 0:
                self._file, self._lock = file, lock
                return

    def _let_go(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
        self._file, self._lock = None, -1


def left_behind() -> tuple[tuple[Left, ...], Problem | None]:
    """What windows that are gone left unsaved, newest first, and what of it could not be read."""
    found: list[Left] = []
    problem: Problem | None = None
    for copy in waiting():
        try:
            found.append(read(copy))
        except ProblemError as error:
            problem = problem or error.problem
    return tuple(found), problem


def waiting() -> list[Path]:
    """The copies of windows that are gone, newest first, unread."""
    try:
        copies = {p: p.stat().st_mtime for p in folder().iterdir() if p.suffix == ".json"}
    except OSError:
        return []
    free = []
    for copy in sorted(copies, key=lambda p: -copies[p]):
        lock = _locked(copy)
        if lock >= 0:  # else the window that it belongs to is open
            os.close(lock)
            free.append(copy)
    return free


def read(copy: Path) -> Left:
    """One copy. Raises ProblemError `plan.copy_damaged` after it was set aside, so that nobody stumbles over it again."""
    try:
        if copy.stat().st_size > COPY_LIMIT_BYTES:
            raise ValueError("no plan is that large")
        value = json.loads(copy.read_text(encoding="utf-8"))
        path = Path(value["path"]) if value["path"] else None
        plan = plan_file.plan_from_json(value["plan"])
        if (where := value.get(BESIDE)) is not None:
            plan = replace(plan, data=lengths_beside.read(copy, where, plan.data))
            counts(plan.data)  # here, off the GUI thread: the page asks at once
        return Left(copy, plan, path, copy.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ProblemError):
        raise fail(
            "plan.copy_damaged",
            f"The copy of an unsaved plan cannot be read; it was set aside as {str(_set_aside(copy))!r}.",
            "What it held may still be found in it by hand; runs and saved plans are not touched.",
        ) from None


def _set_aside(copy: Path) -> Path:
    aside = copy.with_suffix(".damaged")
    try:
        copy.replace(aside)
    except OSError:
        return copy
    return aside


def _locked(copy: Path) -> int:
    """An open file that holds the lock beside a copy; −1 when another window has it, or nothing can be written."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        file = os.open(copy.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return -1
    if try_lock(file):
        return file
    os.close(file)
    return -1
