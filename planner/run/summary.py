"""One run's folder in one line of a list: what its spec says, and what the ends of its journal say. Reads, never writes.

A list of a thousand runs must not decode a thousand journals. The lines that matter are found as bytes (the writer puts
`event` first) and only those are decoded; a stranger's or a damaged file gives what can be read, and says what cannot.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from planner.problem import ProblemError
from planner.run import about, layout
from planner.run.said import said_of
from planner.slots import Slot
from planner.techniques import registry

LARGEST_SPEC_BYTES = 64 * 1024**2
WHOLE_BYTES = 2 * 1024**2  # a journal up to here is looked at line by line for damage
CHUNK_BYTES = 4 * 1024**2
WINDOWS_BYTES = (64 * 1024, 1024**2, 8 * 1024**2)  # back from a session's end, until what is looked for is found
LONGEST_TEXT = 2_000
CUT_OFF = "The journal's last line is cut off; what stands before it is shown."
MARK = b'\n{"event": "'
PREFERRED = ("reserved", "process")  # the counter that a prediction is held against, as the worker chooses it


@dataclass(frozen=True)
class Facts:
    """What spec, about and journal say, all plain so that it can be kept. Texts are empty and numbers 0 where nothing is known.

    word: the tag of the last event, `finished` and `failed` being the worker's last words. seconds: of all sessions,
    without the gaps between them. unread: what could not be read, in words.
    """

    job: str = "train"
    name: str = ""
    model: str = ""
    method: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    total_steps: int = 0
    step: int = 0
    loss: float = math.nan
    source: str = ""
    peak_bytes: int = 0
    low_bytes: int = 0
    predicted_bytes: int = 0
    high_bytes: int = 0
    began: float = 0.0
    seconds: float = 0.0
    sessions: int = 0
    phase: str = ""
    word: str = ""
    outcome: str = ""
    sentence: str = ""
    peak_at: str = ""
    problem_code: str = ""
    problem_fact: str = ""
    problem_advice: str = ""
    unread: str = ""


FACT_NAMES = tuple(f.name for f in fields(Facts))


def facts_of(run_dir: Path) -> Facts:
    """Read one folder. Raises nothing."""
    found: dict[str, Any] = {}
    unread: list[str] = []
    predicted = _spec(run_dir, found, unread)
    _journal(run_dir, found, unread)
    low, expected, high = said_of(predicted, str(found.get("source", "")))
    found |= {"low_bytes": _whole(low), "predicted_bytes": _whole(expected), "high_bytes": _whole(high)}
    try:
        written = about.read(run_dir)
        found |= {"tags": written.tags, "note": written.note} | ({"name": written.name} if written.name else {})
    except ProblemError as error:
        unread.append(error.problem.fact)
    found.setdefault("name", "")
    found["name"] = found["name"] or run_dir.name
    return Facts(**found, unread=" ".join(unread))


def _spec(run_dir: Path, found: dict[str, Any], unread: list[str]) -> dict[str, Any]:
    """Name, model, method and steps; returns what was predicted."""
    path = run_dir / layout.SPEC
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_SPEC_BYTES + 1)
        spec = json.loads(text) if len(text) <= LARGEST_SPEC_BYTES else None
    except (OSError, ValueError, RecursionError):
        spec = None
    if not isinstance(spec, dict):
        unread.append(f"{layout.SPEC} cannot be read: what was planned is not known.")
        return {}
    plan = _mapping(spec.get("plan"))
    model = _mapping(plan.get("model")).get("name")
    stages = plan.get("stages")
    stage = _mapping(stages[0]) if isinstance(stages, list) and stages else {}
    found["job"] = _text(spec.get("job")) or "train"
    found["name"], found["model"] = _text(plan.get("name")), _text(model)
    found["method"] = method_words(_mapping(stage.get("choices")))
    if not plan:
        unread.append(f"{layout.SPEC} holds no plan.")
    return _mapping(spec.get("predicted"))


def method_words(choices: dict[str, Any]) -> str:
    """`LoRA, rank 8`, `LoRA, rank 16 · 4-bit`; choices: slot → {technique, options} as in a plan file."""
    said = []
    for slot in (Slot.TRAINABLE, Slot.WEIGHTS):
        choice = _mapping(choices.get(slot.value))
        name = _text(choice.get("technique"))
        if not name or (slot is Slot.WEIGHTS and name == registry.default_choice(slot).technique):
            continue
        try:
            label = registry.technique(slot, name).label
        except ProblemError:
            label = name
        rank = _mapping(choice.get("options")).get("rank")
        said.append(f"{label}, rank {rank}" if type(rank) is int else label)
    return " · ".join(said)


def _journal(run_dir: Path, found: dict[str, Any], unread: list[str]) -> None:
    """Sessions, latest step, highest memory and last word."""
    try:
        with layout.events(run_dir).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(size) if size <= WHOLE_BYTES else b""
            if data and (told := damage(data)):
                unread.append(told)
            starts = _starts(file, size)
            bounds = [*starts, size]
            for i, start in enumerate(starts):
                end = bounds[i + 1]
                _session(_Session(file, start, end), found, last=i == len(starts) - 1)
            if not starts and size:
                _session(_Session(file, 0, size), found, last=True)
    except FileNotFoundError:
        return
    except OSError as error:
        unread.append(f"The journal cannot be read: {error.strerror or error}.")


def damage(data: bytes) -> str:
    """What is wrong with a whole journal, in words; empty where every line looks whole."""
    *lines, rest = data.split(b"\n")
    lines = [line for line in lines if line.strip()]
    broken = sum(not (line.startswith(b"{") and line.endswith(b"}")) for line in lines)
    said = (
        [f"{broken:,} of {len(lines):,} lines of the journal cannot be read; the others are shown."] if broken else []
    )
    return " ".join([*said, CUT_OFF] if rest.strip() else said)


def _starts(file: Any, size: int) -> list[int]:
    """Where each session begins. A journal of any length is only searched, in pieces."""
    wanted = MARK + b'started"'
    found: list[int] = []
    file.seek(0)
    offset, kept = 0, b"\n"  # the first line has no line end before it
    while offset < size and (piece := file.read(min(CHUNK_BYTES, size - offset))):
        data = kept + piece
        begin = offset - len(kept)
        at = data.find(wanted)
        while at >= 0:
            found.append(begin + at + 1)
            at = data.find(wanted, at + 1)
        offset += len(piece)
        kept = data[-(len(wanted) - 1) :]
    return found


class _Session:
    """The part of a journal that one worker wrote: its first line, and the last of each kind, found from the end."""

    def __init__(self, file: Any, start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end
        self._windows: dict[int, bytes] = {}

    def first(self) -> dict[str, Any]:
        self._file.seek(self._start)
        return _line(self._file.readline(min(WINDOWS_BYTES[0], self._end - self._start)))

    def last(self, wanted: bytes) -> dict[str, Any]:
        """The last whole line that holds `wanted`, as plain values; empty where there is none near the end."""
        for room in WINDOWS_BYTES:
            data = self._window(room)
            at = data.rfind(wanted)
            while at >= 0:
                begin = data.rfind(b"\n", 0, at + 1) + 1
                end = data.find(b"\n", at + 1)
                if event := _line(data[begin : end if end >= 0 else len(data)]):
                    return event
                at = data.rfind(wanted, 0, at)
            if room >= self._end - self._start:
                break
        return {}

    def _window(self, room: int) -> bytes:
        if room not in self._windows:
            start = max(self._start, self._end - room)
            self._file.seek(start)
            before = b"\n" if start == self._start else b""
            self._windows[room] = before + self._file.read(self._end - start)
        return self._windows[room]


def _session(session: _Session, found: dict[str, Any], *, last: bool) -> None:
    started, latest = session.first(), session.last(MARK)
    began, ended = _number(started.get("time")), _number(latest.get("time"))
    if started.get("event") == "started":
        found["sessions"] = found.get("sessions", 0) + 1
        found["total_steps"] = _whole(started.get("total_steps"))
        if not found.get("began"):
            found["began"] = began
    if began and ended > began:  # a clock that was set back gives no time at all, rather than less than none
        found["seconds"] = found.get("seconds", 0.0) + ended - began
    if step := session.last(MARK + b'step"'):
        found["step"], found["loss"] = _whole(step.get("step")), _number(step.get("loss"), math.nan)
        found["total_steps"] = _whole(step.get("total_steps")) or found.get("total_steps", 0)
    for source in PREFERRED:
        memory = session.last(b'"source": "%s"' % source.encode())
        if memory.get("event") != "memory":
            continue
        if PREFERRED.index(source) < PREFERRED.index(found.get("source", PREFERRED[-1])):
            found["peak_bytes"] = 0
        found["source"] = source
        found["peak_bytes"] = max(found.get("peak_bytes", 0), _whole(memory.get("peak_bytes")))
        break
    if last:
        found["word"] = _text(latest.get("event"))
        found["phase"] = _text(session.last(MARK + b'phase"').get("phase"))
        _last_word(latest, found)


def _last_word(event: dict[str, Any], found: dict[str, Any]) -> None:
    if event.get("event") == "failed":
        problem = _mapping(event.get("problem"))
        found["problem_code"] = _text(problem.get("code"))
        found["problem_fact"] = _text(problem.get("fact"))
        found["problem_advice"] = _text(problem.get("advice"))
    elif event.get("event") == "finished":
        found["outcome"], found["sentence"] = _text(event.get("outcome")), _text(event.get("sentence"))
        measured = _mapping(event.get("measured"))
        found["peak_at"] = _text(measured.get("at"))
        if peak := _whole(measured.get("peak_bytes")):
            found["peak_bytes"], found["source"] = peak, _text(measured.get("source")) or found.get("source", "")


def _line(line: bytes) -> dict[str, Any]:
    try:
        return _mapping(json.loads(line))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2**63 else 0


def _number(value: Any, otherwise: float = 0.0) -> float:
    """A finite number that a date can be made of."""
    if type(value) is int and abs(value) < 2**53:
        value = float(value)
    return value if type(value) is float and math.isfinite(value) else otherwise
