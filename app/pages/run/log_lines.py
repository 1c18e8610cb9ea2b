"""A line of the journal as a sentence of the log, and the kinds of lines a person can ask for. Qt-free, pure."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from planner.problem import Problem
from planner.run.events import (
    Checkpoint,
    Evaluation,
    Event,
    Failed,
    Finished,
    Memory,
    Note,
    Phase,
    Sample,
    Started,
    Step,
)
from planner.run.journal_index import MANY, MEMORIES, Kind
from planner.units import words


@dataclass(frozen=True)
class LogFilter:
    """A choice of the log's menu. kinds: those that pass."""

    label: str
    kinds: frozenset[Kind]


EVERYTHING = frozenset(Kind)
FILTERS = (
    LogFilter("What happened", EVERYTHING - set(MANY)),
    LogFilter("Everything", EVERYTHING),
    LogFilter("Steps", frozenset({Kind.STEP})),
    LogFilter("Evaluations", frozenset({Kind.EVALUATION})),
    LogFilter("Memory", frozenset(MEMORIES)),
    LogFilter("Samples", frozenset({Kind.SAMPLE})),
    LogFilter("Checkpoints", frozenset({Kind.CHECKPOINT})),
    LogFilter("Notes and faults", frozenset({Kind.NOTE, Kind.FAILED, Kind.FINISHED, Kind.UNREADABLE})),
)


def line_words(event: Event | Problem) -> str:
    """`14:09:40  checkpoint of step 300 written, 168 MiB, 0.9 s`."""
    if isinstance(event, Problem):
        return f"--:--:--  cannot be read: {event.fact}"
    return f"{clock(event.time)}  {_one_line(event_words(event))}"


def clock(seconds: float) -> str:
    """The local time of day; a time no calendar has is dashes."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "--:--:--"


def event_words(event: Event) -> str:
    match event:
        case Started():
            if event.resumed_from >= 0:
                return f"resumed from step {event.resumed_from} on {event.device}"
            return f"started on {event.device}, {event.total_steps} steps"
        case Phase():
            return f"{event.phase}: {event.detail}" if event.detail else event.phase
        case Step():
            speed = f", {event.tokens_per_s:,.0f} tokens/s" if math.isfinite(event.tokens_per_s) else ""
            return f"step {event.step} of {event.total_steps}: loss {event.loss:.4f}{speed}"
        case Evaluation():
            return (
                f"evaluated after step {event.step}: loss {event.loss:.4f} on the rows held out, {event.seconds:.1f} s"
            )
        case Memory():
            at = f" ({event.moment}, step {event.step})" if event.moment else ""
            return f"{event.source} holds {words(event.bytes)}, highest {words(event.peak_bytes)}{at}"
        case Sample():
            return f"sample taken ({event.when}, step {event.step}): {event.text}"
        case Checkpoint():
            return f"checkpoint of step {event.step} written, {words(event.bytes)}, {event.seconds:.1f} s"
        case Note():
            return event.text if event.level == "info" else f"{event.level}: {event.text}"
        case Finished():
            return f"{event.outcome} at step {event.step}. {event.sentence}"
        case Failed():
            return f"failed in {event.phase} at step {event.step}: {event.problem.fact}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
