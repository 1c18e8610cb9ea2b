"""The words of the chips beside Start: ways to make a plan fit, or what the room left could be used for. Qt-free."""

from __future__ import annotations

from app.pages.plan.edits import signed
from app.shown import Suggestion
from planner.advise import Change, advise
from planner.estimate import Estimate, Verdict
from planner.room import with_the_room_left

NOTHING_FITS = "Nothing makes it fit: no combination of techniques, no shorter rows, no smaller model."
UNDO = "Ctrl+Z takes it back."


def suggestions(now: Estimate) -> tuple[str, tuple[Suggestion, ...]]:
    """(heading, suggestions) for this estimate; none where nothing can be told."""
    if now.verdict is Verdict.CANNOT_TELL:
        return "", ()
    if now.verdict is Verdict.FITS:
        found = with_the_room_left(now.plan, now)
        return "With the room left:" if found else "", tuple(map(_suggestion, found))
    found = advise(now.plan, now)
    if not found:
        return NOTHING_FITS, ()
    ways = "One way" if len(found) == 1 else f"{len(found)} ways"
    purpose = "to fit" if now.verdict is Verdict.DOES_NOT_FIT else "to more room"
    return f"{ways} {purpose}:", tuple(map(_suggestion, found))


def _suggestion(change: Change) -> Suggestion:
    """`rank 64  +0.2 GiB`; a line of its tool tip for what it is, what it takes and gives up, and where that is from."""
    time = f"Time: {change.time_source}." if change.time_source else ""
    lines = (f"{change.title}.", change.detail, time, UNDO)
    return Suggestion(f"{change.short}  {signed(-change.saves_bytes)}", "\n".join(filter(None, lines)), change.plan)
