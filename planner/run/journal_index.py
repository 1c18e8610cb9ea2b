"""Where each line of a journal lies and what it tells of, found without decoding it: a journal of a million events opens
in less than a second, and its log is read line by line as somebody scrolls.

A line that our encoder wrote says its event first, so that its kind stands at a fixed place. Any other line is decoded,
slowly but rightly. The file is read, never mapped: it may be cut or deleted meanwhile, and a mapped one would take the
window with it. Memory: nine bytes a line. What is chosen for the curves is `planner.run.journal_look`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import IO, Any

from planner.problem import Problem, ProblemError
from planner.run import layout
from planner.run.events import TYPES, Event, Memory, decode
from planner.run.journal import LONGEST_READ_BYTES

CHUNK_BYTES = 1024 * 1024
FEW_BYTES = 512 * 1024  # so much is looked through without numpy, which takes a tenth of a second to load
LONGEST_LINE_BYTES = 256 * 1024  # of one line that is read to be shown
NEAR_LINES = 8  # so far apart two lines are still read with one read
MOST_AT_ONCE = 2048
FOLLOWED = ("process", "reserved", "swapped")  # the memory a page draws; `planner.run.events.Memory.source`


class Kind(IntEnum):
    """What a line tells of, as far as can be said without decoding it. MEMORY: of a source that nobody draws."""

    UNREADABLE = 0
    STARTED = 1
    PHASE = 2
    STEP = 3
    MEMORY = 4
    SAMPLE = 5
    EVALUATION = 6
    CHECKPOINT = 7
    NOTE = 8
    FINISHED = 9
    FAILED = 10
    PROCESS = 11
    RESERVED = 12
    SWAPPED = 13


MEMORIES = (Kind.MEMORY, Kind.PROCESS, Kind.RESERVED, Kind.SWAPPED)
MANY = (Kind.STEP, *MEMORIES)  # of which a journal may hold a million; of all others it holds few
_HEADS = {tag: f'{{"event": "{tag}", "time": '.encode() for tag in TYPES}
_TIME_AT = len(_HEADS["memory"])
_SOURCES = {source: f', "source": "{source}"'.encode() for source in FOLLOWED}
_SOURCE_WITHIN = 56  # bytes after the time's first digit in which the source's name begins
_UNSURE = 255


class JournalIndex:
    """The lines of one journal, in order: `starts` are their offsets, `kinds` what they tell. Grows by `extend`."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / layout.EVENTS
        self.starts = array("Q")
        self.kinds = bytearray()
        self.offset = 0  # all before it is known

    def __len__(self) -> int:
        return len(self.kinds)

    def extend(self, *, over: bool = False) -> Problem | None:
        """Take up what has been written since; a half line at the end waits, unless the worker is gone (`over`).

        Returns what kept it from reading, None where there is no journal yet. Whoever reads lines on another thread
        meanwhile sees those that were known before.
        """
        try:
            with self.path.open("rb") as file:
                for data, whole in _pieces(file, self.offset, over):
                    starts, kinds = _lines(data, self.offset, whole)
                    self.starts.frombytes(starts)
                    self.offset += len(data)
                    self.kinds += kinds  # last: `__len__` counts these
        except FileNotFoundError:
            return None
        except OSError as error:
            fact = f"The journal in {str(self.path.parent)!r} cannot be read: {error.strerror}."
            return Problem("journal.unreadable", fact, "Check the folder's permissions.")
        return None

    def read(self, lines: Sequence[int]) -> list[bytes]:
        """These lines' bytes, in their order; neighbours are read together. Raises OSError when the file is gone."""
        found: list[bytes] = []
        with self.path.open("rb", buffering=0) as file:
            for stretch in _stretches(lines):
                begin, end = self.starts[stretch[0]], self._end(stretch[-1])
                if end - begin > len(stretch) * LONGEST_LINE_BYTES:
                    found += [self._read_one(file, n) for n in stretch]
                    continue
                file.seek(begin)
                data = file.read(end - begin)
                for n in stretch:
                    at = self.starts[n] - begin
                    stop = data.find(b"\n", at)
                    found.append(data[at : stop if stop >= 0 else len(data)])
        return found

    def _end(self, line: int) -> int:
        return self.starts[line + 1] if line + 1 < len(self) else max(self.offset, self.starts[line])

    def _read_one(self, file: IO[bytes], line: int) -> bytes:
        end = self._end(line)
        file.seek(self.starts[line])
        return file.read(min(end - self.starts[line], LONGEST_LINE_BYTES)).split(b"\n", 1)[0]

    def events(self, lines: Sequence[int]) -> list[Event | Problem]:
        """These lines decoded, a `Problem` where one cannot be. Raises OSError when the file is gone."""
        return [event_of(line) for line in self.read(lines)]


def _lines(data: bytes, base: int, whole: bool) -> tuple[bytes, bytes]:
    """(starts as 64-bit numbers, kinds) of a stretch of the file."""
    if not whole:  # no event is as long as a whole read: a damaged stretch
        return array("Q", [base]).tobytes(), bytes([Kind.UNREADABLE])
    if len(data) > FEW_BYTES:
        return _many_lines(data, base)
    starts, kinds, at = array("Q"), bytearray(), base
    for line in data.split(b"\n"):
        if line.strip():
            starts.append(at)
            kinds.append(kind_of(line))
        at += len(line) + 1
    return starts.tobytes(), bytes(kinds)


def _many_lines(data: bytes, base: int) -> tuple[bytes, bytes]:
    import numpy as np

    found: list[tuple[bytes, bytes]] = []
    for begin, end in _chunks(data):
        part = data[begin:end]
        starts, kinds = _kinds(np, part)
        blank = []
        for i in np.flatnonzero(kinds == _UNSURE).tolist():
            stop = part.find(b"\n", int(starts[i]))
            line = part[int(starts[i]) : stop if stop >= 0 else len(part)]
            kinds[i] = kind_of(line)
            if not line.strip():
                blank.append(i)
        starts, kinds = np.delete(starts, blank), np.delete(kinds, blank)
        found.append(((starts.astype(np.uint64) + np.uint64(base + begin)).tobytes(), kinds.tobytes()))
    return b"".join(s for s, _k in found), b"".join(k for _s, k in found)


def event_of(line: bytes) -> Event | Problem:
    """What one line tells, or why it tells nothing."""
    try:
        return decode(line.decode("utf-8", "surrogatepass"))
    except ProblemError as error:
        return error.problem
    except UnicodeDecodeError:
        fact = f"A line of the journal is not text: {line[:40]!r}."
        return Problem("journal.damaged_line", fact, "What stands before and after it is shown.")


def kind_of(line: bytes) -> Kind:
    """By the line's beginning where it is as our encoder writes it, else by decoding it."""
    if line.endswith(b"}"):
        for tag, head in _HEADS.items():
            if line.startswith(head) and tag != "memory":
                return Kind[tag.upper()]
        if line.startswith(_HEADS["memory"]):
            comma = line.find(b",", _TIME_AT, _TIME_AT + _SOURCE_WITHIN)
            for source, said in _SOURCES.items():
                if comma > _TIME_AT and line.startswith(said, comma):
                    return memory_kind(source)
    event = event_of(line)
    if isinstance(event, Problem):
        return Kind.UNREADABLE
    if isinstance(event, Memory):
        return memory_kind(event.source)
    return Kind[event.tag.upper()]


def memory_kind(source: str) -> Kind:
    return Kind[source.upper()] if source in FOLLOWED else Kind.MEMORY


def _pieces(file: IO[bytes], offset: int, over: bool) -> Iterator[tuple[bytes, bool]]:
    """Stretches of whole lines, each with whether it is one: a stretch without any line end is none.

    As `journal.read` cuts them: at most some MiB at once, so that a file without a line end takes no more than that.
    """
    while True:
        file.seek(offset)
        data = file.read(LONGEST_READ_BYTES)
        end = data.rfind(b"\n") + 1
        full = len(data) == LONGEST_READ_BYTES
        whole = end > 0 or not full
        if (over and not full) or (full and end == 0):
            end = len(data)
        if not end:
            return
        yield data[:end], whole
        offset += end


def _chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Stretches of about CHUNK_BYTES that end at a line's end: small, so that no thread waits long for this one."""
    begin = 0
    while begin < len(data):
        stop = data.find(b"\n", min(begin + CHUNK_BYTES, len(data) - 1))
        end = stop + 1 if stop >= 0 else len(data)
        yield begin, end
        begin = end


def _kinds(np: Any, data: bytes) -> tuple[Any, Any]:
    """(starts, kinds) of the lines of `data`; `_UNSURE` where the beginning does not tell."""
    windows = np.lib.stride_tricks.sliding_window_view
    longest = _TIME_AT + _SOURCE_WITHIN + 16
    octets = np.frombuffer(data + b"\n" * longest, np.uint8)
    ends = np.flatnonzero(octets[: len(data)] == 10)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1] + 1))
    full = ends > starts
    starts, ends = starts[full], ends[full]
    kinds = np.full(len(starts), _UNSURE, np.uint8)
    rest = np.arange(len(starts))
    for tag in sorted(_HEADS, key=lambda tag: tag not in ("step", "memory")):  # what there is most of first
        if not len(rest):
            break
        head = _HEADS[tag]
        same = windows(octets, len(head))[starts[rest]].view(f"S{len(head)}").ravel() == head
        kinds[rest[same]] = Kind[tag.upper()]
        rest = rest[~same]
    kinds[octets[ends - 1] != ord("}")] = _UNSURE  # cut short by a full disk or a power cut
    memories = np.flatnonzero(kinds == Kind.MEMORY)
    kinds[memories] = _memory_kinds(np, windows(octets, _SOURCE_WITHIN + 16)[starts[memories] + _TIME_AT])
    return starts, kinds


def _memory_kinds(np: Any, after: Any) -> Any:
    """By the source, which stands after the time: `1764.5, "source": "process", …`."""
    kinds = np.full(len(after), _UNSURE, np.uint8)
    if not len(after):
        return kinds
    comma = (after[:, :_SOURCE_WITHIN] == ord(",")).argmax(axis=1)
    for source, said in _SOURCES.items():
        want = np.frombuffer(said, np.uint8)
        rows = np.flatnonzero((kinds == _UNSURE) & (comma > 0) & (comma + len(want) <= after.shape[1]))
        found = after[rows[:, None], comma[rows, None] + np.arange(len(want))]
        kinds[rows[(found == want).all(axis=1)]] = memory_kind(source)
    return kinds


def _stretches(lines: Sequence[int]) -> Iterator[list[int]]:
    """Lines that lie close together, each stretch to be read at once."""
    stretch: list[int] = []
    for n in lines:
        if stretch and not (0 < n - stretch[-1] <= NEAR_LINES and len(stretch) < MOST_AT_ONCE):
            yield stretch
            stretch = []
        stretch.append(n)
    if stretch:
        yield stretch
