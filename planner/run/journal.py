"""The journal: an append-only file of events that the worker writes and everybody else only reads.

One line is one `write`, so a killed worker leaves whole lines; a full disk or a power cut may leave half a line. The
reader takes what is whole, says what is not, and never waits. A small reserve file is given up when the disk is full,
so that the last word (`Failed`) always finds room.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from planner.problem import Problem, ProblemError
from planner.run import layout
from planner.run.events import Evaluation, Event, Failed, Finished, Started, Step, decode, encode

RESERVE_BYTES = 64 * 1024
TAIL_BYTES = 256 * 1024
LONGEST_READ_BYTES = 8 * 1024 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Journal:
    """The writing end; one per worker, safe to use from its threads."""

    def __init__(self, run_dir: Path) -> None:
        """Open for appending; a half line left by an earlier worker is closed before the first event."""
        self._path = run_dir / layout.EVENTS
        self._reserve = run_dir / layout.RESERVE
        self._lock = threading.Lock()
        self._half = False  # a full disk cut the last line short
        with contextlib.suppress(OSError):
            self._reserve.write_bytes(os.urandom(RESERVE_BYTES))  # zeros may take no room on a file system that packs
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        size = os.fstat(self._file).st_size
        self._half = bool(size) and self._byte_at(size - 1) != b"\n"

    def _byte_at(self, offset: int) -> bytes:
        os.lseek(self._file, offset, os.SEEK_SET)
        return os.read(self._file, 1)

    def append(self, event: Event) -> None:
        """Write one event. Raises OSError; a last word meets a full disk only after the reserve is given up."""
        line = (encode(event) + "\n").encode("utf-8", "surrogatepass")
        with self._lock:
            if self._file < 0:
                raise OSError(errno.EBADF, "The journal is closed.", str(self._path))
            try:
                self._write(line)
            except OSError as error:
                if error.errno not in FULL or not isinstance(event, (Failed, Finished)):
                    raise
                self._reserve.unlink(missing_ok=True)
                self._write(line)

    def _write(self, data: bytes) -> None:
        if self._half:
            data = b"\n" + data  # what is left of an earlier attempt ends here and spoils no line but itself
        while data:
            data = data[os.write(self._file, data) :]
            self._half = bool(data)

    def sync(self) -> None:
        """Wait until the disk has it; for checkpoints and the last event."""
        os.fsync(self._file)

    def close(self) -> None:
        """No more events. The number of the file is forgotten: the system gives it to the next file opened."""
        with self._lock:
            file, self._file = self._file, -1
            if file >= 0:
                os.close(file)
                with contextlib.suppress(OSError):
                    self._reserve.unlink()


@dataclass(frozen=True)
class Reading:
    """What one look at a journal gave. offset: where the next look starts. problems: what could not be read."""

    events: tuple[Event, ...]
    problems: tuple[Problem, ...]
    offset: int


def read(run_dir: Path, offset: int = 0, *, over: bool = False) -> Reading:
    """The whole lines after `offset`, at most some MiB at once; a half line at the end waits for the next look.

    over: the worker is gone, so a half line at the end is reported instead of waited for. Raises nothing.
    """
    try:
        with (run_dir / layout.EVENTS).open("rb") as file:
            file.seek(offset)
            data = file.read(LONGEST_READ_BYTES)
    except FileNotFoundError:
        return Reading((), (), offset)
    except OSError as error:
        fact = f"The journal in {str(run_dir)!r} cannot be read: {error.strerror}."
        return Reading((), (Problem("journal.unreadable", fact, "Check the folder's permissions."),), offset)
    end = data.rfind(b"\n") + 1
    full = len(data) == LONGEST_READ_BYTES
    if (over and not full) or (full and end == 0):  # no event is as long as a whole read: a damaged stretch
        end = len(data)
    events: list[Event] = []
    problems: list[Problem] = []
    for line in data[:end].split(b"\n"):
        if not line.strip():
            continue
        try:
            events.append(decode(line.decode("utf-8", "surrogatepass")))
        except ProblemError as error:
            problems.append(error.problem)
        except UnicodeDecodeError:
            fact = f"A line of the journal is not text: {line[:40]!r}."
            problems.append(Problem("journal.damaged_line", fact, "What stands before and after it is shown."))
    return Reading(tuple(events), tuple(problems), offset + end)


def read_all(run_dir: Path, *, over: bool = False) -> Reading:
    """The whole journal."""
    events: list[Event] = []
    problems: list[Problem] = []
    offset = 0
    while True:
        part = read(run_dir, offset, over=over)
        events += part.events
        problems += part.problems
        if part.offset == offset:
            return Reading(tuple(events), tuple(problems), offset)
        offset = part.offset


def tail(run_dir: Path) -> list[Event]:
    """The latest some hundred events, from the file's end: cheap for a journal of any length."""
    try:
        with (run_dir / layout.EVENTS).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    events: list[Event] = []
    for line in lines:
        with contextlib.suppress(ProblemError, UnicodeDecodeError):
            events.append(decode(line.decode("utf-8", "surrogatepass")))
    return events


def last_event(run_dir: Path) -> Event | None:
    """The latest event that can be read; None when there is none."""
    events = tail(run_dir)
    return events[-1] if events else None


def last_word(events: Iterable[Event]) -> Finished | Failed | None:
    """How the latest worker of this journal ended, None while it has not."""
    word: Finished | Failed | None = None
    for event in events:
        if isinstance(event, Started):
            word = None
        elif isinstance(event, (Finished, Failed)):
            word = event
    return word


def steps(events: Iterable[Event]) -> list[Step]:
    """The steps in order. A resumed run repeats those after its checkpoint; the repeated ones are equal, the last counts."""
    latest = {e.step: e for e in events if isinstance(e, Step)}
    return [latest[n] for n in sorted(latest)]


def evaluations(events: Iterable[Event]) -> list[Evaluation]:
    """The evaluations in order, each once, as `steps`."""
    latest = {e.step: e for e in events if isinstance(e, Evaluation)}
    return [latest[n] for n in sorted(latest)]
