"""Commands to a running worker: small files dropped into RUNDIR/inbox by atomic rename, taken in the order sent.

A file needs no connection: the window may close, another may open, a person may use the shell. What cannot be
understood is set aside and reported, never obeyed.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from planner.problem import Problem
from planner.run import layout

VERBS = ("pause", "resume", "checkpoint", "stop", "release", "sample")
LONGEST_COMMAND_BYTES = 64 * 1024
_NUMBER = itertools.count()


@dataclass(frozen=True)
class Command:
    """One wish. say: for `sample`, the prompt; empty takes the run's own."""

    verb: str
    say: str = ""


def send(run_dir: Path, verb: str, say: str = "") -> None:
    """Drop a command. Raises ValueError for an unknown verb, OSError when the folder cannot be written."""
    if verb not in VERBS:
        raise ValueError(f"unknown command {verb!r}")
    folder = run_dir / layout.INBOX
    folder.mkdir(exist_ok=True)
    # time first, so that names sort in the order sent; pid and a counter part two senders of the same nanosecond
    name = f"{time.time_ns():020d}-{os.getpid()}-{next(_NUMBER):06d}"
    aside = folder / f".{name}"
    aside.write_text(json.dumps(asdict(Command(verb, say))), encoding="utf-8")
    aside.replace(folder / name)


def waiting(run_dir: Path) -> list[str]:
    """Names of what lies in the inbox, oldest first."""
    try:
        return sorted(n for n in os.listdir(run_dir / layout.INBOX) if not n.startswith("."))  # noqa: PTH208 - read every step
    except OSError:
        return []


def take(run_dir: Path) -> tuple[list[Command], list[Problem]]:
    """The commands waiting, oldest first, removed from the folder; what is not a command comes back as a Problem.

    Each is renamed before it is read: what cannot be moved out of the way would be obeyed, or told, at every look.
    """
    folder = run_dir / layout.INBOX
    commands: list[Command] = []
    problems: list[Problem] = []
    for name in waiting(run_dir):
        path = folder / f".{name}.taken"
        try:
            (folder / name).replace(path)
        except OSError:
            continue
        try:
            if not stat.S_ISREG(path.lstat().st_mode):  # a pipe would never end; a folder stays aside
                raise ValueError
            with path.open("rb") as file:
                raw = json.loads(file.read(LONGEST_COMMAND_BYTES))
            command = Command(**raw)
            if command.verb not in VERBS or not isinstance(command.say, str):
                raise ValueError
            commands.append(command)
        except (OSError, ValueError, TypeError, RecursionError):
            fact = f"The file {name!r} in the run's inbox is not a command."
            problems.append(Problem("inbox.not_a_command", fact, f"Known commands: {', '.join(VERBS)}."))
        with contextlib.suppress(OSError):
            path.unlink()
    return commands, problems


def forget(run_dir: Path, names: list[str]) -> None:
    """Remove commands meant for an earlier worker of this run: those that were `waiting` before the lock was taken."""
    for name in names:
        with contextlib.suppress(OSError):
            (run_dir / layout.INBOX / name).unlink()
