"""What was said beside what was measured: each of the twelve plans, run by the real worker.

On a card three figures, never mixed: allocated against live tensors, reserved against what the allocator is said to
keep, process (reserved and the context, from the driver) against the band. On a CPU there is the process only.
"""

from __future__ import annotations

from benchmarks.gpu_check import row
from benchmarks.gpu_check.cases import Case
from benchmarks.gpu_check.row import Row, error_pct
from benchmarks.gpu_check.running import Ran, run
from benchmarks.gpu_check.setting import Setting
from planner.estimate import Estimate, estimate
from planner.problem import ProblemError
from planner.run.build import main_tier
from planner.units import words

ALLOCATED_WITHIN_PCT = 3.0
RESERVED_WITHIN_PCT = 10.0


def check(setting: Setting, case: Case) -> Row:
    """One plan. Its figures hold the losses, which the export is held against."""
    name = f"plan: {case.name}"
    plan = setting.plan(case)
    said = estimate(plan)
    if said.problems:
        return row.not_run(name, said.problems[0].fact)
    try:
        ran = run(plan, setting.work / "runs" / case.name.replace(" ", "-").replace(",", ""))
    except ProblemError as error:
        return row.not_run(name, str(error.problem))
    if not ran.done:
        why = str(ran.problem) if ran.problem else f"the worker left no last word: {ran.log[-300:]}"
        return row.of(name, False, why, ran.seconds, losses=list(ran.losses))
    return _compared(name, said, ran)


def _compared(name: str, said: Estimate, ran: Ran) -> Row:
    tier = main_tier(said, said.plan)
    assert tier is not None
    place = tier.place.tier
    figures: dict[str, object] = {"losses": list(ran.losses)}
    words_of, good = [], True
    for source, expected, low, high, within in (
        ("allocated", tier.live_bytes, 0, 0, ALLOCATED_WITHIN_PCT),
        ("reserved", tier.reserved_bytes, tier.reserved_low_bytes, tier.reserved_high_bytes, RESERVED_WITHIN_PCT),
        ("process", tier.peak_bytes, tier.low_bytes, tier.high_bytes, 0.0),
    ):
        measured = ran.peaks.get(f"{place} {source}", 0)
        if not measured:
            figures[source] = {"said": expected, "measured": None}
            continue
        error = error_pct(expected, measured)
        inside = low <= measured <= high if high else None
        figures[source] = {"said": expected, "measured": measured, "error_pct": error, "low": low, "high": high}
        good = good and (abs(error) <= within if within else bool(inside))
        band = "" if inside is None else ", in the band" if inside else ", OUTSIDE the band"
        words_of.append(f"{source}: said {words(expected)}, took {words(measured)} ({error:+.1f} %{band})")
    return row.of(
        name, good, "; ".join(words_of) or "it ran; nothing tells what it took of this device", ran.seconds, **figures
    )
