"""A run told in sentences, for its card and for the command line: what came of it, and its facts. Qt-free."""

from __future__ import annotations

from app.pages.runs.curves import Curves
from app.pages.runs.words import (
    bytes_or_nothing,
    date_words,
    loss_words,
    miss_words,
    runs_words,
    seconds_words,
    step_words,
)
from planner.run.library import RunState, RunSummary
from planner.units import words


def may_continue(run: RunSummary) -> bool:
    """Whether a start goes on with it, or begins what was never begun and can be read."""
    return run.resumable or (run.state is RunState.NOT_STARTED and known_plan(run))


def known_plan(run: RunSummary) -> bool:
    return bool(run.model)


def outcome_words(run: RunSummary, known: Curves | None) -> str:
    """What ended it, or what came of it; and what could not be read of it."""
    told = []
    if known is not None and known.died is not None:
        told.append(f"{known.died.fact} {known.died.advice}")
    elif run.problem_fact:
        told.append(f"{run.problem_fact} {run.problem_advice}".strip())
    elif run.sentence:
        told.append(run.sentence)
    if run.unread:
        told.append(run.unread)
    return "\n".join(told)


def facts_words(run: RunSummary, known: Curves | None) -> str:
    lines = [" · ".join(text for text in (run.model, run.method) if text)]
    lines.append(f"Step {step_words(run)}, loss {loss_words(run)}")
    if run.peak_bytes:
        said = f" of {words(run.predicted_bytes)} said" if run.predicted_bytes else ""
        miss = f", {miss_words(run)}" if run.miss is not None else ", so far" if run.state.live else ""
        at = f", highest in {run.peak_at}" if run.peak_at else ""
        lines.append(f"Took {words(run.peak_bytes)}{said}{miss}{at}")
    elif run.predicted_bytes:
        lines.append(f"Said {words(run.predicted_bytes)}")
    went = f"Began {date_words(run.began)}, went {seconds_words(run.seconds)}"
    lines.append(went + (f" in {run.sessions} sessions" if run.sessions > 1 else ""))
    saved = f", saved at step {known.saved_at:,}" if known is not None and known.saved_at else ""
    lines.append(f"On the disk {bytes_or_nothing(run.disk_bytes)}{saved}")
    return "\n".join(line for line in lines if line)


def many_words(runs: tuple[RunSummary, ...]) -> str:
    """`3 runs, 1.20 GiB`."""
    size = sum(max(0, run.disk_bytes) for run in runs)
    return runs_words(len(runs)) + (f", {words(size)}" if size else "")
