"""What "Why did I run out?" shows: one value made from one `Explanation`. Qt-free; widgets only paint what stands here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.pages.plan.edits import signed
from app.pages.plan.state import bar, expected_words, rows
from app.shown import Bar, Row, Suggestion
from planner.estimate import Verdict
from planner.ledger import MOMENTS
from planner.plan import Plan
from planner.why.explain import EMPTY, FROM_COMMAND, Explanation

HINT = (
    "An out-of-memory error, an exception with its traceback, the command that started the run, or all of them as they "
    "stand in the log. Tokens and keys are taken out as you paste; nothing is stored or sent."
)
SHOWN_CHANGES = 3


@dataclass(frozen=True)
class WhyView:
    """groups: a heading (empty for none) with its sentences. before: the plan that the suggestions change; run_plan: what
    "Open this run as a plan" opens, None where the text has no command."""

    headline: str
    tone: str
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    bars: tuple[Bar, ...] = ()
    expected: str = ""
    rows: tuple[Row, ...] = ()
    rows_heading: str = ""
    suggestions_heading: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    before: Plan | None = None
    run_plan: Plan | None = None


def view(found: Explanation) -> WhyView:
    """The dialog's words and figures."""
    if found.problem is not None:
        if found.problem == EMPTY:
            return WhyView("Paste what you have.", "muted", (("", (HINT,)),))
        return WhyView(found.problem.fact, "warn", (("", (found.problem.advice,)),))
    groups = (
        ("", found.happened),
        ("The ledger of that run", found.ledger),
        ("Where they do not agree", found.disagrees),
        ("Not in these figures", tuple(map(str, found.beside))),
        ("Missing", found.missing),
    )
    shown = WhyView(
        found.headline,
        "bad" if found.reading is not None else "text",
        tuple(group for group in groups if group[1]),
        before=found.plan,
        run_plan=found.plan if found.plan_from == FROM_COMMAND else None,
    )
    result = found.estimate
    if result is None or not result.tiers:
        return shown
    main = result.tiers[0]
    at = main.peak_at
    suggestions = tuple(
        Suggestion(f"{c.title}  {signed(-c.saves_bytes)}", f"{c.detail} Ctrl+Z in the window takes it back.", c.plan)
        for c in found.changes[:SHOWN_CHANGES]
    )
    fits = result.verdict is Verdict.FITS and found.reading is None
    heading = "The smallest change that would have fitted:" if suggestions else ""
    if not suggestions and not fits and result.verdict is not Verdict.CANNOT_TELL:
        heading = "No change that is known here would have made it fit." if found.reading is not None else ""
    return replace(
        shown,
        bars=tuple(bar(result, t) for t in result.tiers if t.capacity_bytes and (t.live_bytes or t is main)),
        expected=expected_words(main),
        rows=rows(result, main, at) if at else (),
        rows_heading=f"at the peak: {at.phase}, {MOMENTS.get(at.moment, at.moment)}" if at else "",
        suggestions_heading=heading,
        suggestions=suggestions,
    )
