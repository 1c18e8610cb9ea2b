"""One running process from outside: what it holds of RAM and of cards, who it is, and which ones are worth watching.

Memory is counted as the worker counts its own: anonymous memory on Linux, the unique set elsewhere; pages of files can
be dropped and are nobody's need. A process is known by its number and its start, since numbers are given again. Reads a
few small files of the kernel and asks the driver; it changes nothing and never stops a process.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.probe.command_line import shown_command
from planner.probe.nvml_pids import UNTOLD, held_by_pid
from planner.problem import ProblemError, fail

SMALLEST_BYTES = 64 * 1024**2  # of a process that is no Python: smaller ones are nobody's training run
MOST_SHOWN = 60
SAME_START_S = 0.5
OTHERS = "Choose another one: the window lists your own processes."


@dataclass(frozen=True)
class Candidate:
    """A process that may be watched. started: seconds since the epoch; command: shortened, secrets masked."""

    pid: int
    started: float
    name: str
    command: str
    bytes: int
    python: bool
    torch: bool


@dataclass(frozen=True)
class Reading:
    """What the process holds now, children included if that was asked. device_bytes: of all cards, −1 where no driver
    tells. processes: how many were added up."""

    bytes: int
    device_bytes: int
    processes: int


class Watched:
    """A process under watch, by number and start."""

    def __init__(self, pid: int, started: float = 0.0) -> None:
        """started: as a `Candidate` said it, 0 for whatever has this number now.

        Raises ProblemError `watch.no_such_process`, `watch.number_given_again`, `watch.has_ended`, `watch.not_permitted`.
        """
        import psutil

        self._psutil = psutil
        self.pid = pid
        try:
            self._process = psutil.Process(pid)
            self.started = float(self._process.create_time())
        except (psutil.NoSuchProcess, ValueError, OverflowError):
            raise _absent(pid) from None
        except psutil.AccessDenied:
            raise _foreign(pid) from None
        if started and abs(started - self.started) > SAME_START_S:
            raise _another(pid)
        self.read()
        self.name, self.command = _who(self._process)

    def read(self, *, children: bool = False) -> Reading:
        """What it holds now. Raises the same as the constructor, `watch.has_ended` when it is over."""
        psutil = self._psutil
        try:
            if not self._process.is_running():  # by number and start
                raise _ended(self.pid)
            if self._process.status() == psutil.STATUS_ZOMBIE:
                raise _ended(self.pid)
            held = own_bytes(self.pid, self._process)
            pids = [self.pid]
            if children:
                for child in self._process.children(recursive=True):
                    with contextlib.suppress(psutil.Error, OSError):  # it ended meanwhile
                        held += own_bytes(child.pid, child)
                        pids.append(child.pid)
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            raise _ended(self.pid) from None
        except (psutil.AccessDenied, PermissionError):
            raise _foreign(self.pid) from None
        return Reading(held, self._of_cards(pids), len(pids))

    def _of_cards(self, pids: list[int]) -> int:
        """Bytes of all cards; −1 where the driver does not say, or names processes by numbers that nobody here has."""
        by_pid = held_by_pid()
        if by_pid is None:
            return -1
        told = [by_pid[pid] for pid in pids if pid in by_pid]
        foreign = not told and not all(map(self._psutil.pid_exists, by_pid))
        return -1 if foreign or UNTOLD in told else sum(told)


def own_bytes(pid: int, process: Any, root: Path = Path("/proc")) -> int:
    """Anonymous memory of one process. Raises what the system says: FileNotFoundError, PermissionError, psutil's own."""
    if sys.platform != "linux":
        return int(process.memory_full_info().uss)
    text = (root / str(pid) / "status").read_bytes()
    found = re.search(rb"^RssAnon:\s*(\d+) kB", text, re.MULTILINE)
    if found:
        return int(found[1]) * 1024
    memory = process.memory_info()  # sandboxes and Windows' first Linux layer do not part it from file pages
    return max(0, int(memory.rss - getattr(memory, "shared", 0)))


def candidates() -> tuple[Candidate, ...]:
    """Processes that may be a training run, those with torch first, then Python, each with the largest first.

    Those of other people are left out: their memory can often be read, but who they are is not ours to list.
    """
    import psutil

    mine = os.getuid() if hasattr(os, "getuid") else None
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or (mine is not None and process.uids().real != mine):
                continue
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            name, command = _who(process)
            python = "python" in name.lower() or "python" in command.split(" ")[0].lower()
            size = own_bytes(process.pid, process)
            if python or size >= SMALLEST_BYTES:
                torch = python and has_torch(process.pid)
                found.append(Candidate(process.pid, process.create_time(), name, command, size, python, torch))
    return tuple(sorted(found, key=lambda c: (not c.torch, not c.python, -c.bytes))[:MOST_SHOWN])


def has_torch(pid: int, root: Path = Path("/proc")) -> bool:
    """Whether torch's library is loaded; False where the system does not tell."""
    try:
        return b"libtorch" in (root / str(pid) / "maps").read_bytes()
    except OSError:
        return False


def _who(process: Any) -> tuple[str, str]:
    """Name and command line for people."""
    name = str(process.name())[:40]
    try:
        words = list(process.cmdline())
    except Exception:  # psutil's errors differ by system; a name is enough
        words = []
    return name, shown_command(words) or name


# what is so, in words


def _absent(pid: int) -> ProblemError:
    return fail("watch.no_such_process", f"There is no process {pid}.", OTHERS)


def _ended(pid: int) -> ProblemError:
    return fail("watch.has_ended", f"The process {pid} has ended.", "What was seen of it stays; choose another.")


def _another(pid: int) -> ProblemError:
    fact = f"The process {pid} is another one now: the one that was chosen has ended and its number was given again."
    return fail("watch.number_given_again", fact, OTHERS)


def _foreign(pid: int) -> ProblemError:
    fact = f"The process {pid} belongs to somebody else, and this system does not let its memory be read."
    return fail("watch.not_permitted", fact, "Choose one of your own, or ask its owner to watch it.")
