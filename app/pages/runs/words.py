"""The words, signs and orders of the list of runs. Qt-free, and the same for the table, its copies and the command line."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from planner.run.library import RunState, RunSummary
from planner.units import words

NOTHING = "–"

SIGNS = {
    RunState.QUEUED: "○",
    RunState.RUNNING: "▶",
    RunState.PAUSED: "‖",
    RunState.DONE: "✓",
    RunState.STOPPED: "■",
    RunState.FAILED: "✗",
    RunState.LOST: "?",
    RunState.RELEASED: "◇",
    RunState.NOT_STARTED: "·",
}
"""A shape beside the word, so that a state is never told by its colour alone."""

TONES = {
    RunState.RUNNING: "accent",
    RunState.PAUSED: "warn",
    RunState.DONE: "good",
    RunState.FAILED: "bad",
    RunState.LOST: "bad",
}

MEANINGS = {
    RunState.QUEUED: "waits in the queue for its turn and its memory",
    RunState.RUNNING: "a worker is at it now",
    RunState.PAUSED: "waits for you, its memory held",
    RunState.DONE: "all steps made, the result saved",
    RunState.STOPPED: "ended on request, what it had learned saved",
    RunState.FAILED: "ended by a problem",
    RunState.LOST: "its worker went without a last word; it can go on from its last checkpoint",
    RunState.RELEASED: "its memory was given back; it can go on",
    RunState.NOT_STARTED: "prepared, never started",
}


def name_words(run: RunSummary) -> str:
    """With a sign where something of it could not be read."""
    return f"⚠ {run.name}" if run.unread else run.name


def state_words(run: RunSummary) -> str:
    return f"{SIGNS[run.state]} {run.state.value}"


def step_words(run: RunSummary) -> str:
    if not run.total_steps:
        return NOTHING
    return f"{run.total_steps:,}" if run.step == run.total_steps else f"{run.step:,} of {run.total_steps:,}"


def loss_words(run: RunSummary) -> str:
    return NOTHING if not run.step or not math.isfinite(run.loss) else f"{run.loss:.4g}"


def bytes_or_nothing(n: int) -> str:
    return words(n) if n > 0 else NOTHING


def miss_words(run: RunSummary) -> str:
    """`+1.2 %`: it took so much more than was said. Of a run that is not over: nothing, its longest batch may still come."""
    if run.miss is None:
        return NOTHING
    shown = f"{abs(100 * run.miss):.1f}"
    sign = "" if float(shown) == 0 else "+" if run.miss > 0 else "−"
    return f"{sign}{shown} %"


def outside(run: RunSummary) -> bool:
    """Whether it took more than the upper end of what was said."""
    return run.miss is not None and run.peak_bytes > run.high_bytes > 0


def date_words(began: float) -> str:
    """`24 Nov, 12:24` of this year, `24 Nov 2025` else."""
    if not began:
        return NOTHING
    try:
        then, now = time.localtime(began), time.localtime()
    except (OverflowError, ValueError, OSError):
        return NOTHING
    return time.strftime("%d %b, %H:%M" if then.tm_year == now.tm_year else "%d %b %Y", then)


def seconds_words(seconds: float) -> str:
    """`41 s`, `14 min`, `2 h 05 min`."""
    whole = max(0, round(seconds))
    if not whole:
        return NOTHING
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def model_words(run: RunSummary) -> str:
    return run.model.rsplit("/", 1)[-1] or NOTHING


def runs_words(n: int) -> str:
    return f"{n:,} run{'' if n == 1 else 's'}"


Column = tuple[str, Callable[[RunSummary], str], Callable[[RunSummary], Any], bool]

COLUMNS: tuple[Column, ...] = (
    # heading, words, order, figures?
    ("Name", name_words, lambda r: r.name.casefold(), False),
    ("State", state_words, lambda r: list(RunState).index(r.state), False),
    ("Model", model_words, lambda r: r.model.casefold(), False),
    ("Method", lambda r: r.method or NOTHING, lambda r: r.method.casefold(), False),
    ("Step", step_words, lambda r: r.step, True),
    ("Loss", loss_words, lambda r: r.loss if math.isfinite(r.loss) else math.inf, True),
    ("Took", lambda r: bytes_or_nothing(r.peak_bytes), lambda r: r.peak_bytes, True),
    ("Said", lambda r: bytes_or_nothing(r.predicted_bytes), lambda r: r.predicted_bytes, True),
    ("Miss", miss_words, lambda r: abs(r.miss) if r.miss is not None else -1.0, True),
    ("Began", lambda r: date_words(r.began), lambda r: (r.began, r.key), True),
    ("Time", lambda r: seconds_words(r.seconds), lambda r: r.seconds, True),
    ("Disk", lambda r: bytes_or_nothing(r.disk_bytes), lambda r: r.disk_bytes, True),
    ("Tags", lambda r: ", ".join(r.tags), lambda r: ", ".join(r.tags).casefold(), False),
)
HEADINGS = tuple(heading for heading, *_ in COLUMNS)
NAME, STATE, MISS, BEGAN, TAGS = (HEADINGS.index(name) for name in ("Name", "State", "Miss", "Began", "Tags"))


def cells(run: RunSummary) -> tuple[str, ...]:
    return tuple(said(run) for _heading, said, _order, _figures in COLUMNS)
