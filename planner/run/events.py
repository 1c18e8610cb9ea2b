"""What a worker reports: a closed set of event types, one JSON object a line in `events.jsonl`.

Decoding refuses an unknown tag or field by name. The last event of a journal is `Finished` or `Failed`; a journal
that ends with anything else belongs to a run that is still going, or is lost.
"""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from dataclasses import dataclass
from typing import Any, ClassVar

from planner.problem import Problem, ProblemError, fail


@dataclass(frozen=True)
class Started:
    """A worker took the run up. resumed_from: step of the checkpoint, −1 for a fresh start. time: seconds, epoch.

    changes: how often the run's settings had been changed since it was made (`planner.run.retry`).
    """

    tag: ClassVar[str] = "started"
    time: float
    pid: int
    resumed_from: int
    total_steps: int
    versions: dict[str, str]
    device: str
    changes: int = 0


@dataclass(frozen=True)
class Phase:
    """The run entered a phase: load, sample, train, paused, save, …; detail is for the log."""

    tag: ClassVar[str] = "phase"
    time: float
    phase: str
    detail: str = ""


@dataclass(frozen=True)
class Step:
    """One optimizer step is done. loss_hex: the loss as float.hex(), for exact comparison. tokens: so far, all steps,
    counted from the attention mask; it goes on across a resume. seq: padded length of the step's longest micro-batch."""

    tag: ClassVar[str] = "step"
    time: float
    step: int
    total_steps: int
    loss: float
    loss_hex: str
    learning_rate: float
    grad_norm: float
    tokens: int
    tokens_per_s: float
    seq: int


@dataclass(frozen=True)
class Evaluation:
    """The loss on the rows held out, after `step` optimizer steps. loss_hex: as float.hex(). tokens: of one pass over
    those rows, from the attention mask. seconds: what it took, which no step's tokens per second counts."""

    tag: ClassVar[str] = "evaluation"
    time: float
    step: int
    loss: float
    loss_hex: str
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Memory:
    """One reading. source: process, allocated, reserved, nvml, live. tier: device or host.

    bytes: the highest reading since the event before, so that no short peak is lost between two events; step and
    moment say where that reading was taken. peak_bytes: the highest of this session. others_bytes: of other programs.
    """

    tag: ClassVar[str] = "memory"
    time: float
    source: str
    tier: str
    bytes: int
    peak_bytes: int
    step: int = -1
    moment: str = ""
    others_bytes: int = 0


@dataclass(frozen=True)
class Sample:
    """The model's answer to the sample prompt. when: before, during or after, or asked, with the step it was taken at."""

    tag: ClassVar[str] = "sample"
    time: float
    when: str
    step: int
    prompt: str
    text: str


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint is complete on disk."""

    tag: ClassVar[str] = "checkpoint"
    time: float
    step: int
    path: str
    bytes: int
    seconds: float


@dataclass(frozen=True)
class Note:
    """Something a person should know that ends nothing. level: info or warning."""

    tag: ClassVar[str] = "note"
    time: float
    level: str
    text: str


@dataclass(frozen=True)
class Finished:
    """The run is over and its result is on disk. outcome: done, stopped (by request, saved) or released."""

    tag: ClassVar[str] = "finished"
    time: float
    outcome: str
    step: int
    adapter: str
    sha256: str
    measured: dict[str, Any]  # {"source": …, "peak_bytes": …, "predicted_bytes": …, "at": …}
    sentence: str


@dataclass(frozen=True)
class Failed:
    """The run ended because of a problem. phase and step: where; the checkpoint to resume from is in the folder.

    details: what is known beside the words, by the problem's code; of `memory.out` as `planner.run.shortage` reads it.
    """

    tag: ClassVar[str] = "failed"
    time: float
    phase: str
    step: int
    problem: Problem
    details: dict[str, Any] = dataclasses.field(default_factory=dict)


Event = Started | Phase | Step | Evaluation | Memory | Sample | Checkpoint | Note | Finished | Failed
LARGEST = 2**63
TYPES: dict[str, type[Any]] = {
    t.tag: t for t in (Started, Phase, Step, Evaluation, Memory, Sample, Checkpoint, Note, Finished, Failed)
}


def encode(event: Event) -> str:
    """One line of JSON, without a line end; the tag stands in `event`. A number that is not finite becomes null."""
    return json.dumps({"event": event.tag, **_finite(dataclasses.asdict(event))}, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def decode(line: str) -> Event:
    """The event of one line. Raises ProblemError `journal.unknown_event` or `journal.damaged_line`."""
    try:
        raw = json.loads(line)
        tag = raw.pop("event")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise _damaged(f"A line of the journal is not an event: {line[:80]!r}.") from None
    kind = TYPES.get(tag) if isinstance(tag, str) else None
    hints = _HINTS[kind] if kind else {}
    if kind is None or set(raw) - set(hints):
        raise fail(
            "journal.unknown_event",
            f"The journal holds an event this version does not know: {tag!r:.40} with "
            f"{sorted(set(raw) - set(hints))!s:.200}.",
            "Open the run with the version that wrote it.",
        )
    try:
        if kind is Failed:
            raw["problem"] = _problem(raw.get("problem"))
        event = kind(**{name: _typed(hints[name], value) for name, value in raw.items()})
    except TypeError as error:
        raise _damaged(f"A {tag} event is incomplete: {error}.") from None
    return event  # type: ignore[no-any-return]


def _typed(kind: Any, value: Any) -> Any:
    """A value as its field declares it; JSON writes a whole float as an int where another program wrote the line."""
    if kind is float and value is None:
        return math.nan
    if type(value) is int and not -LARGEST <= value <= LARGEST:
        raise TypeError("a number is larger than any that is counted")
    if kind is float and type(value) is int:
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r:.40} is not a {kind.__name__}")
    if kind is float and not math.isfinite(value):
        return math.nan
    return value


def _problem(raw: Any) -> Problem:
    if not isinstance(raw, dict) or not all(isinstance(text, str) for text in raw.values()):
        raise TypeError("its problem is not one")
    return Problem(**raw)


def _damaged(fact: str) -> ProblemError:
    return fail("journal.damaged_line", fact, "What stands before and after it is shown; the run itself is not lost.")


_HINTS: dict[type[Any], dict[str, Any]] = {
    t: {
        f.name: typing.get_origin(hint) or hint
        for f in dataclasses.fields(t)
        if (hint := typing.get_type_hints(t)[f.name])
    }
    for t in TYPES.values()
}
