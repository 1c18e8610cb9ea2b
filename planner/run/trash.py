"""Deleting that can be taken back: what is deleted is moved into `.trash` beside the runs, and is gone when its window closes.

A move within one folder is instant and whole, whatever the size. Each window has a part of the trash for itself and
holds a lock on it, so that none empties another's; what a window that was ended leaves behind is swept after a day.
A run that goes on is refused: its worker would write into a folder that is about to go.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planner.problem import Problem, ProblemError, fail
from planner.run import layout, lock
from planner.run.disk_use import bytes_under
from planner.run.file_lock import is_held, try_lock
from planner.run.home import runs_dir

TRASH = ".trash"
HELD = "held"
LEFT_OVER_AFTER_S = 24 * 3600.0


@dataclass(frozen=True)
class Moved:
    """One folder that was deleted: where it was and where it lies now."""

    was: Path
    lies: Path


@dataclass(frozen=True)
class Deleted:
    """What one press deleted. refused: why others were not."""

    moved: tuple[Moved, ...]
    bytes: int
    refused: tuple[Problem, ...] = ()


class Trash:
    """One window's part of the trash of one folder of runs. It makes nothing before something is deleted."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or runs_dir()
        self._part: Path | None = None
        self._lock = -1
        self._count = 0

    def delete(self, folders: Sequence[Path]) -> Deleted:
        """Move these into the trash: runs, or parts of runs. Takes what it can; Raises nothing for those it cannot."""
        moved: list[Moved] = []
        refused: list[Problem] = []
        size = 0
        for folder in folders:
            try:
                one = self._move(folder)
            except ProblemError as error:
                refused.append(error.problem)
            else:
                size += bytes_under(one.lies)
                moved.append(one)
        return Deleted(tuple(moved), size, tuple(refused))

    def _move(self, folder: Path) -> Moved:
        run_dir = self._run_of(folder)
        _refuse_live(run_dir)
        self._count += 1
        try:
            lies = self._mine() / str(self._count) / folder.name
            lies.parent.mkdir()
            folder.rename(lies)
        except FileNotFoundError:
            raise fail("run.gone", f"{folder.name!r} is not there any more.", "Nothing needs to be done.") from None
        except OSError as error:
            raise fail(
                "run.not_deleted",
                f"{folder.name!r} could not be deleted: {error.strerror or error}.",
                "Close what has it open, and check the folder's permissions.",
            ) from None
        moved_run = lies if run_dir == folder else run_dir
        if lock.is_held(moved_run):  # a worker took it up in between
            lies.rename(folder)
            _refuse_live(folder if run_dir == folder else run_dir)
        return Moved(folder, lies)

    def _run_of(self, folder: Path) -> Path:
        """The run that this folder is, or is a part of. Nothing outside the runs is ever deleted."""
        root = self._root.absolute()
        parts = folder.absolute().relative_to(root).parts if folder.absolute().is_relative_to(root) else ()
        if not parts or parts[0].startswith(".") or ".." in parts:
            raise fail(
                "run.not_ours", f"{str(folder)!r} is no run of this program.", "Delete it with the file manager."
            )
        return root / parts[0]

    def _mine(self) -> Path:
        if self._part is None:
            part = self._root / TRASH / f"{os.getpid()}-{time.time_ns()}"
            part.mkdir(parents=True)
            self._lock = os.open(part / HELD, os.O_RDWR | os.O_CREAT, 0o644)
            try_lock(self._lock)
            self._part = part
        return self._part

    def undo(self, deleted: Deleted) -> Deleted:
        """Move all of it back; what cannot be is told in `refused` and stays where it is."""
        back: list[Moved] = []
        refused: list[Problem] = []
        for one in deleted.moved:
            try:
                if one.was.exists():
                    raise FileExistsError(0, "something else has that name now")
                one.lies.rename(one.was)
                back.append(one)
            except OSError as error:
                fact = f"{one.was.name!r} could not be brought back: {error.strerror or error}."
                advice = f"Move that away and take it back again: it lies in {str(one.lies)!r} until the window closes."
                refused.append(Problem("run.not_restored", fact, advice))
        return Deleted(tuple(back), deleted.bytes, tuple(refused))

    def empty(self) -> None:
        """The window closes: what was deleted is gone."""
        part, self._part = self._part, None
        if part is not None:
            os.close(self._lock)
            shutil.rmtree(part, ignore_errors=True)
            with contextlib.suppress(OSError):
                part.parent.rmdir()  # when it was the last


def _refuse_live(run_dir: Path) -> None:
    if lock.is_held(run_dir):
        raise fail("run.goes_on", f"{run_dir.name!r} is still running.", "Stop it first; then it can be deleted.")


def checkpoints_of(run_dir: Path) -> Path:
    return run_dir / layout.CHECKPOINTS


def sweep(root: Path | None = None) -> None:
    """Remove what windows that were ended a day ago left behind. Raises nothing."""
    try:
        parts = list(((root or runs_dir()) / TRASH).iterdir())
    except OSError:
        return
    for part in parts:
        try:
            old = time.time() - part.stat().st_mtime > LEFT_OVER_AFTER_S
            if old and not is_held(part / HELD):
                shutil.rmtree(part, ignore_errors=True)
        except OSError:
            continue
