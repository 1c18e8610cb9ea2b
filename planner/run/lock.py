"""Whether a run lives, read from disk only: a worker holds an OS lock on RUNDIR/alive from its first moment to its last.

The lock goes with the process, however it ends, so a stale file can never look alive. Nothing here asks a window or
remembers anything; a run started yesterday from another program is judged the same way.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

from planner.problem import Problem, fail
from planner.run import file_lock, journal, layout
from planner.run.events import Event, Failed, Finished, Memory, Step
from planner.run.file_lock import try_lock
from planner.run.small_file import mapping_of
from planner.units import words

JUST_NOW_S = 10.0
LATEST_EXIT_S = 0.5


class State(StrEnum):
    """What a run's folder says about it."""

    NEVER_STARTED = "never started"
    QUEUED = "queued"
    RUNNING = "running"
    LOST = "lost"
    FINISHED = "finished"
    FAILED = "failed"
    RELEASED = "released"


class Lock:
    """The worker's hold on its run. Held until `release` or the end of the process."""

    def __init__(self, run_dir: Path) -> None:
        """Take the lock or raise ProblemError `run.already_running`."""
        self._file = os.open(run_dir / layout.ALIVE, os.O_RDWR | os.O_CREAT, 0o644)
        for _attempt in range(20):  # somebody who asks "does it live?" holds the lock for an instant
            if try_lock(self._file):
                break
            time.sleep(0.02)
        else:
            os.close(self._file)
            raise fail(
                "run.already_running",
                f"A worker is already at work on {str(run_dir)!r}.",
                "Open that run, or release it before it is started again.",
            )
        self._facts: dict[str, Any] = {"pid": os.getpid(), "started": time.time()}
        self.tell()

    def tell(self, **facts: Any) -> None:
        """Write down something of the worker for whoever finds it gone: under which limit it worked."""
        self._facts |= facts
        text = json.dumps(self._facts).encode()
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, text)

    def release(self) -> None:
        os.close(self._file)


def is_held(run_dir: Path) -> bool:
    """Whether a worker holds the run now. A folder that cannot be opened or locked counts as not held."""
    return file_lock.is_held(run_dir / layout.ALIVE)


def holder_pid(run_dir: Path) -> int:
    """The pid written by the latest worker, 0 if none is known. Only meaningful while `is_held`."""
    pid = mapping_of(run_dir / layout.ALIVE).get("pid")
    return pid if type(pid) is int and 0 < pid < 2**31 else 0


def state(run_dir: Path) -> State:
    """The run's state; see `State`. The lock is asked first: a worker may write its last word in between."""
    if is_held(run_dir):
        return State.RUNNING
    if (run_dir / layout.QUEUED).exists():
        return State.QUEUED  # also one that was started before and is to go on
    last = journal.last_event(run_dir)
    if isinstance(last, Finished):
        return State.RELEASED if last.outcome == "released" else State.FINISHED
    if isinstance(last, Failed):
        return State.FAILED
    if last is not None or (run_dir / layout.EXIT).exists():
        return State.LOST
    return State.NEVER_STARTED


SIGNAL_WORDS = {
    "SIGKILL": "the system ended it, most likely because memory ran out",
    "SIGTERM": "it was asked to end from outside",
    "SIGINT": "it was interrupted from the keyboard",
    "SIGSEGV": "a library touched memory that is not its own",
    "SIGBUS": "a file it read through memory vanished or the disk was full",
    "SIGABRT": "a library gave up",
    "SIGILL": "a library used an instruction this processor does not have",
    "SIGFPE": "a library divided by zero",
    "SIGXCPU": "it used up its allowance of processor time",
    "SIGHUP": "its session ended",
}


def died(run_dir: Path) -> Problem:
    """The Problem `worker.died` of a lost run, with the reason as far as anybody saw it."""
    events = journal.tail(run_dir)
    step = max((e.step for e in events if isinstance(e, Step)), default=0)
    where = f"after step {step}" if step else "before its first step"
    _wait_for_exit(run_dir)
    ended = mapping_of(run_dir / layout.EXIT)
    code = ended.get("returncode")
    if type(code) is not int:
        fact = f"The worker ended {where} without a last word; nobody saw how."
    elif code < 0:
        fact = f"The worker ended {where}: {_of_signal(-code, ended)}.{_size_at_end(run_dir, events)}"
    else:
        fact = f"The worker ended {where} with exit code {code} and without a last word."
    advice = "Resume goes on from the last checkpoint; " if _has_checkpoint(run_dir) else "Start it again; "
    return Problem("worker.died", fact, f"{advice}{layout.LOG} in the run's folder holds what it printed.")


def _of_signal(number: int, ended: dict[str, Any]) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    text = SIGNAL_WORDS.get(name, "a signal ended it")
    if name == "SIGKILL" and ended.get("oom_kills"):  # the kernel counts those that it ends for memory
        text = "the system ended it because memory ran out"
    return f"{text} ({name})"


def _size_at_end(run_dir: Path, events: Iterable[Event]) -> str:
    """What it held by its latest reading, and what it might have: a bare number of a signal says nothing of memory."""
    readings = [e for e in events if isinstance(e, Memory) and e.source == "process"]
    if not readings:
        return ""
    facts = mapping_of(run_dir / layout.ALIVE)
    limit, whose = facts.get("limit_bytes"), facts.get("limit")
    of = f" of the {words(limit)} of {whose}" if type(limit) is int and isinstance(whose, str) else ""
    return f" It held {words(readings[-1].bytes)}{of}; other programs held {words(readings[-1].others_bytes)}."


def _wait_for_exit(run_dir: Path) -> None:
    """A worker that died this instant: whoever started it needs a moment to write down how."""
    deadline = time.monotonic() + LATEST_EXIT_S
    while not (run_dir / layout.EXIT).exists() and time.monotonic() < deadline:
        try:
            if time.time() - layout.events(run_dir).stat().st_mtime > JUST_NOW_S:
                return
        except OSError:
            return
        time.sleep(0.02)


def _has_checkpoint(run_dir: Path) -> bool:
    return any((run_dir / layout.CHECKPOINTS).glob("step-*"))
