"""What ended a run, as its card shows it: facts that are known, who held the memory, and what can be done. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass

from app.pages.run.state import RunRecord
from planner.run.events import Failed
from planner.run.shortage import ASKED, CODE, from_details
from planner.units import words


@dataclass(frozen=True)
class Fault:
    """facts and holders: (name, value) rows. again: label of the plain button, empty where there is nothing to start."""

    heading: str
    fact: str
    advice: str
    facts: tuple[tuple[str, str], ...] = ()
    holders: tuple[tuple[str, str], ...] = ()
    retry: str = ""
    again: str = ""


HEADINGS = {
    CODE: "Out of memory",
    "worker.died": "The worker ended without a word",
    "disk.full": "The disk is full",
    "run.folder_gone": "The run's folder is gone",
}


def fault_of(record: RunRecord) -> Fault | None:
    """None while nothing has ended the run."""
    problem = record.problem
    if problem is None or record.live:
        return None
    failed = record.failed if not record.died else None
    facts, holders, retry = _memory(failed) if failed and problem.code == CODE else ((), (), "")
    if failed and not facts:
        facts = (("While", failed.phase), ("At step", f"{failed.step:,}"))
    saved = record.checkpoints[-1].step if record.checkpoints else 0
    again = (f"Resume from step {saved:,}" if saved else "Start it again") if record.resumable() else ""
    if saved:
        facts = (*facts, ("Saved", f"step {saved:,}; {lost_words(record.step - saved)}"))
    heading = HEADINGS.get(problem.code, "The run failed")
    if "SIGKILL" in problem.fact:
        heading = "The system ended the worker"
    return Fault(heading, problem.fact, problem.advice, facts, holders, retry, again)


def lost_words(steps: int) -> str:
    if steps <= 0:
        return "no step is lost"
    return f"{steps:,} step{'s' if steps > 1 else ''} after it {'are' if steps > 1 else 'is'} made again"


def _memory(failed: Failed) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], str]:
    """(facts, holders, the smallest change in words) of a run that ran out of memory."""
    short = from_details(failed.details)
    where = {"host": "RAM", "device": "The card"}.get(short.tier, short.tier)
    rows = (
        ("While", " · ".join(filter(None, (short.phase or failed.phase, short.moment.replace("_", " "))))),
        ("At step", f"{short.step or failed.step:,}"),
        ("Asked for" if short.line_is == ASKED else "Largest part then", _line(short.line, short.line_bytes)),
        ("Asked", words(short.asked_bytes) if short.asked_bytes else ""),
        ("Free then", words(short.free_bytes) if short.asked_bytes or short.free_bytes else ""),
        ("The run held", words(short.held_bytes) if short.held_bytes else ""),
        ("We had said", words(short.said_bytes) if short.said_bytes else ""),
        (f"{where} in all", _line(words(short.limit_bytes), 0, short.limit) if short.limit_bytes else ""),
    )
    title = str(short.retry.get("title", "")) if isinstance(short.retry, dict) else ""
    holders = tuple((name, words(held)) for name, held in short.holders)
    return tuple((name, value) for name, value in rows if value), holders, title


def _line(text: str, of: int, beside: str = "") -> str:
    return ", ".join(filter(None, (text, words(of) if of else "", beside))) if text else ""
