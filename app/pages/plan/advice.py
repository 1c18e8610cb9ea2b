"""The chips below the ledger: ways to make a plan fit, or what the room left could be used for. Qt-free."""

from __future__ import annotations

from app.pages.plan.room import steps
from app.shown import Suggestion
from planner.estimate import Estimate, Verdict

MOST = 4


def suggestions(now: Estimate) -> tuple[str, tuple[Suggestion, ...]]:
    """(heading, suggestions) for this estimate."""
    if now.verdict in (Verdict.FITS, Verdict.TIGHT) or now.problems:
        found = tuple(
            Suggestion(s.text, f"Changes the plan to {s.text}; Ctrl+Z takes it back.", s.plan, s.fits)
            for s in steps(now)
        )
        return "With the room left:", found
    from planner.advise import advise  # its grid search loads only when something does not fit

    changes = advise(now.plan, now)[:MOST]
    heading = {0: "", 1: "One way to fit:"}.get(len(changes), f"{len(changes)} ways to fit:")
    return heading, tuple(Suggestion(c.title, c.detail, c.plan) for c in changes)
