"""The least an allocator must be given, as the dry run finds it: does the run go with it, and not with less?"""

from __future__ import annotations

import time

from benchmarks.gpu_check import row
from benchmarks.gpu_check.cases import Case
from benchmarks.gpu_check.row import Row, error_pct
from benchmarks.gpu_check.running import run
from benchmarks.gpu_check.setting import Setting
from planner.estimate import estimate
from planner.kept import CACHING
from planner.problem import ProblemError
from planner.run.build import main_tier
from planner.run.results import DRY_RUN, DryRun, load
from planner.units import words

LESS, MORE = 0.97, 1.03
EXPANDABLE = "expandable_segments:True"


def dry_run(setting: Setting, case: Case) -> Row:
    """The trace itself, which needs no card: its live bytes beside those of the formulas."""
    name = f"dry run: {case.name}"
    plan = setting.plan(case)
    said = estimate(plan)
    if said.problems:
        return row.not_run(name, said.problems[0].fact)
    try:
        traced, seconds = _traced(setting, case)
    except ProblemError as failed:
        return row.of(name, False, str(failed.problem))
    if traced.untraceable:
        return row.not_run(name, traced.untraceable)
    tier = main_tier(said, plan)
    assert tier is not None
    error = error_pct(tier.live_bytes, traced.live_bytes)
    says = f"formulas {words(tier.live_bytes)}, traced {words(traced.live_bytes)} ({error:+.2f} %)"
    figures = {
        "formula": tier.live_bytes,
        "traced": traced.live_bytes,
        "reserved": traced.reserved_bytes,
        "expandable": traced.expandable_bytes,
        "smallest": traced.smallest_bytes,
    }
    return row.of(name, abs(error) <= 1, says, seconds, **figures)


def check(setting: Setting, case: Case) -> Row:
    """With the capacity that was found, and with a little less and a little more."""
    name = f"capacity: {case.name}"
    if setting.device.kind not in CACHING:
        return row.not_run(name)
    began = time.monotonic()
    traced, _ = _traced(setting, case)
    if not traced.smallest_bytes:
        return row.not_run(name, traced.untraceable or "the dry run told no smallest capacity")
    went = {}
    for share in (LESS, 1.0, MORE):
        ran = run(
            setting.plan(case), setting.work / "runs" / "capacity", limit_bytes=int(traced.smallest_bytes * share)
        )
        if not ran.done and (ran.problem is None or ran.problem.code != "memory.out"):
            return row.of(name, False, f"ended otherwise: {ran.problem or ran.log[-300:]}")
        went[share] = ran.done
    says = f"said to need {words(traced.smallest_bytes)}: " + ", ".join(
        f"{'goes' if ok else 'does not go'} with {share:.0%}" for share, ok in went.items()
    )
    seconds = round(time.monotonic() - began, 1)
    figures = {"smallest": traced.smallest_bytes, "went": {str(share): ok for share, ok in went.items()}}
    return row.of(name, went[MORE] and not went[LESS], says, seconds, **figures)


def reserved(setting: Setting, case: Case, *, expandable: bool) -> Row:
    """What the allocator model says of a card that never runs short, beside what torch reserves."""
    name = f"allocator{', expandable segments' if expandable else ''}: {case.name}"
    if setting.device.kind not in CACHING:
        return row.not_run(name)
    began = time.monotonic()
    traced, _ = _traced(setting, case)
    said = traced.expandable_bytes if expandable else traced.reserved_bytes
    if not said:
        return row.not_run(name, traced.untraceable or "the dry run told no reserved bytes")
    variables = {"PYTORCH_CUDA_ALLOC_CONF": EXPANDABLE} if expandable else {}
    ran = run(setting.plan(case), setting.work / "runs" / "allocator", variables=variables)
    taken = ran.peaks.get("device reserved", 0)
    error = error_pct(said, taken)
    says = f"replayed {words(said)}, torch reserved {words(taken)} ({error:+.1f} %)"
    seconds = round(time.monotonic() - began, 1)
    return row.of(name, ran.done and abs(error) <= 5, says, seconds, said=said, measured=taken)


def _traced(setting: Setting, case: Case) -> tuple[DryRun, float]:
    """Kept in the work folder: three checks ask for the same. Raises ProblemError where there is none."""
    folder = setting.work / "runs" / f"dry-{case.name.replace(' ', '-').replace(',', '')}"
    if (folder / DRY_RUN).is_file():
        return load(DryRun, folder / DRY_RUN), 0.0
    ran = run(setting.plan(case), folder, job="dry_run")
    if ran.problem is not None:
        raise ProblemError(ran.problem)
    return load(DryRun, folder / DRY_RUN), ran.seconds
