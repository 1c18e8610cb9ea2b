"""The chips below the ledger: ways to make a plan fit, or what the room left could be used for. Qt-free."""

from __future__ import annotations

from app.pages.plan.edits import signed
from app.shown import Suggestion
from planner.advise import Change, advise, with_the_room_left
from planner.estimate import Estimate, Verdict


def suggestions(now: Estimate) -> tuple[str, tuple[Suggestion, ...]]:
    """(heading, suggestions) for this estimate; none where nothing can be told."""
    if now.verdict is Verdict.FITS:
        return "With the room left:", tuple(map(_suggestion, with_the_room_left(now.plan, now)))
    found = advise(now.plan, now)
    ways = "One way" if len(found) == 1 else f"{len(found)} ways"
    purpose = "to fit" if now.verdict is Verdict.DOES_NOT_FIT else "to more room"
    return f"{ways} {purpose}:", tuple(map(_suggestion, found))


def _suggestion(change: Change) -> Suggestion:
    return Suggestion(
        f"{change.title}  {signed(-change.saves_bytes)}", f"{change.detail} Ctrl+Z takes it back.", change.plan
    )
