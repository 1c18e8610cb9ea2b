"""Out of memory, and now? The smallest change with which the run goes on from its last checkpoint, and making it.

A checkpoint is usable as long as the same tensors are trained with the same states of the same optimizer. A smaller
batch with as many more to a step keeps the rows of every step, and the trainer counts a checkpoint in steps, so no row is
trained twice or left out. Where nothing was saved yet every change is open but another model. It starts no worker.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from planner import plan_file
from planner.advise import advise
from planner.advised import Change, change_of
from planner.atomic_file import write_atomically
from planner.changes import Step, alternatives, applied, schedules, shorter_rows
from planner.estimate import Estimate, Tier, Verdict, device_of, estimate
from planner.ledger import HOST
from planner.plan import Plan
from planner.problem import Problem, ProblemError, fail
from planner.run import checkpoints, layout, lock
from planner.run.arguments import trainer_arguments
from planner.run.build import predicted
from planner.run.shortage import Shortage, shortage_of
from planner.run.small_file import mapping_of
from planner.run.spec import RunSpec
from planner.slots import Slot
from planner.units import words
from planner.ways import Search

KEEPS_CHECKPOINT = frozenset({Slot.ATTENTION, Slot.ACTIVATION, Slot.LOSS, Slot.CACHE, Slot.PLACEMENT})
"""Questions that may be answered anew without another tensor being trained or another state being kept."""
SHORTEST_LENGTH = 64  # tokens; a cut below teaches nothing


@dataclass(frozen=True)
class Retry:
    """title: the change; words: the same in a few words. detail: what it saves and costs, and where the run goes on. plan: the changed one.

    got_bytes: what the run could have had. peak_bytes: what is said of the changed plan. from_step: of the checkpoint, 0
    for a start from the beginning. loses: what is given up, empty for nothing. same_rows: whether each step still learns
    from the same rows and tokens. fits: whether the changed plan fits into what the run got, by the whole band; else by
    its expected figure only. before: the plan that it changes.
    """

    title: str
    detail: str
    plan: Plan
    got_bytes: int
    peak_bytes: int
    from_step: int = 0
    loses: str = ""
    same_rows: bool = True
    fits: bool = True
    words: str = ""
    short: Shortage = field(default_factory=Shortage)
    before: Plan | None = None


def retry_of(run_dir: Path) -> Retry | Problem:
    """The smallest change that fits what the run got and keeps its last checkpoint usable, or why there is none.

    Takes up to half a second. Raises nothing.
    """
    if lock.is_held(run_dir):
        return Problem("run.already_running", f"A worker is already at work on {str(run_dir)!r}.", "Open that run.")
    try:
        spec = plan_file.load_spec(run_dir / layout.SPEC)
    except ProblemError as error:
        return error.problem
    short = shortage_of(run_dir)
    if short is None:
        return Problem(
            "retry.not_memory",
            f"{run_dir.name} did not end because memory ran out.",
            "Resume it as it is, or change the plan.",
        )
    return smallest(spec.plan, short, from_step=checkpoints.latest_step(run_dir))


def smallest(plan: Plan, short: Shortage, *, from_step: int = 0) -> Retry | Problem:
    """The same of a plan and of how it ran out. from_step: of the checkpoint to be kept, 0 where there is none."""
    before = estimate(plan)
    tier = place_of(before, short)
    if tier is None:
        return Problem("retry.cannot_tell", before.reason, "Change the plan by hand.")
    budget = min(short.got_bytes or tier.budget_bytes, tier.high_bytes - short.missing_bytes)
    tighter = with_budget(plan, tier, max(1, budget))
    change = _of_some(tighter) if from_step else _of_all(tighter)
    if change is None:
        kept = f" and keeps the checkpoint of step {from_step}" if from_step else ""
        return Problem(
            "retry.nothing_fits",
            f"The run got {words(short.got_bytes)}, and no change of its settings fits into that{kept}.",
            "Free memory and resume it as it is, or plan it anew with a smaller model.",
        )
    changed = replace(change.plan, machine=plan.machine)
    after = place_of(estimate(changed), short)
    where = f"It goes on from step {from_step}." if from_step else "It starts from the beginning."
    same_rows = plan.stage.schedule.max_length == changed.stage.schedule.max_length
    rows = "Each step learns from the same rows." if same_rows else "Rows longer than that are cut from now on."
    return Retry(
        title=change.title,
        words=change.short,
        detail=f"{change.detail.split(' Fits')[0]} {rows} {where}",
        plan=changed,
        got_bytes=short.got_bytes,
        peak_bytes=int(after.peak_bytes) if after else 0,
        from_step=from_step,
        loses=change.loses,
        same_rows=same_rows,
        fits=change.verdict is Verdict.FITS,
        short=short,
        before=plan,
    )


def apply_retry(run_dir: Path, retry: Retry) -> None:
    """Make the change in the run's own folder: the spec as it was stays beside it with a number, the journal goes on.

    The next worker says so in the journal. Raises ProblemError `run.already_running`, `retry.too_late` where another
    window or the keeper was first, `file.not_written`, and those of a spec that cannot be read.
    """
    if lock.is_held(run_dir):
        raise fail("run.already_running", f"A worker is already at work on {str(run_dir)!r}.", "Open that run.")
    spec = plan_file.load_spec(run_dir / layout.SPEC)
    if retry.before is not None and spec.plan != retry.before:
        raise fail(
            "retry.too_late",
            f"The settings of {run_dir.name} were changed by somebody else meanwhile.",
            "Look at the run again: what would help it now is worked out anew.",
        )
    kept = layout.kept_spec(run_dir, layout.changes(run_dir) + 1)
    plan_file.save_spec(spec, kept)
    write_atomically(run_dir / layout.CHANGED, json.dumps({"note": note_of(retry, kept.name)}).encode())
    plan_file.save_spec(changed_spec(spec, retry.plan), run_dir / layout.SPEC)


def changed_spec(spec: RunSpec, plan: Plan) -> RunSpec:
    """The spec with another plan; an argument that the change does not touch stays as it was written out."""
    before, after = (dict(trainer_arguments(p, p.stage)) for p in (spec.plan, plan))
    touched = {name: value for name, value in after.items() if name not in before or before[name] != value}
    gone = before.keys() - after.keys()
    arguments = {name: value for name, value in {**dict(spec.arguments), **touched}.items() if name not in gone}
    return replace(spec, plan=plan, arguments=tuple(arguments.items()), predicted=predicted(estimate(plan), plan))


def note_of(retry: Retry, kept: str) -> str:
    """What the journal says of it."""
    got = f" It had {words(retry.got_bytes)}." if retry.got_bytes else ""
    gives = f" Given up: {retry.loses}." if retry.loses else ""
    return (
        f"Memory had run out.{got} Changed: {retry.title}. {words(retry.peak_bytes)} are expected now. "
        f"{retry.detail}{gives} The settings before are in {kept}."
    )


# --- searching ---


def place_of(found: Estimate, short: Shortage) -> Tier | None:
    """The place that ran out."""
    wanted = next((t for t in found.tiers if t.place.tier == short.tier), None)
    return wanted or (found.tiers[0] if found.tiers else None)


def with_budget(plan: Plan, tier: Tier, budget: int) -> Plan:
    """The plan on the same machine with no more than this free at one place."""
    machine, device = plan.machine, device_of(plan)
    assert device is not None
    if tier.place == HOST:
        machine = replace(machine, ram_available_bytes=min(machine.ram_available_bytes, budget))
    if tier.place != HOST or device.kind == "cpu":
        less = replace(device, free_bytes=min(device.free_bytes, budget))
        machine = replace(machine, devices=tuple(less if d.id == device.id else d for d in machine.devices))
    return replace(plan, machine=machine)


def _of_all(plan: Plan) -> Change | None:
    """Of all changes there are, but another model: nobody asked for that."""
    return next((c for c in advise(plan, estimate(plan)) if c.plan.model == plan.model), None) or _thriftiest(plan)


def _of_some(plan: Plan) -> Change | None:
    """Of those that keep the checkpoint; rows are cut only where nothing else fits."""
    search = Search(plan, _keeping(plan))
    if found := search.smallest(1):
        return change_of(estimate(plan), found[0].steps, found[0].then)
    if cut := _cut(plan, search.thriftiest(search.questions)):
        return cut
    return _thriftiest(plan)


def _keeping(plan: Plan) -> list[list[tuple[Step, ...]]]:
    """Ways to answer each question that leave the checkpoint usable."""
    questions = [
        [way for way in question if all(s.slot is None or s.slot in KEEPS_CHECKPOINT for s in way)]
        for question in alternatives(plan)
    ]
    return [q for q in questions[:-1] if len(q) > 1] + questions[-1:]


def _thriftiest(plan: Plan) -> Change | None:
    """What needs least, where nothing fits by the whole band but this does by its expected figure."""
    search = Search(plan, _keeping(plan))
    steps = search.thriftiest(search.questions)
    then = search.estimated(steps)
    return change_of(estimate(plan), steps, then) if steps and then.verdict is Verdict.TIGHT else None


def _cut(plan: Plan, everything: tuple[Step, ...]) -> Change | None:
    """Shorter rows beside all that helps: the longest that fits, in steps of 8 tokens."""
    now = applied(plan, everything)
    longest = min(plan.stage.schedule.max_length - 1, max(plan.data.lengths, default=1 << 30))
    low, high = SHORTEST_LENGTH // 8, longest // 8
    if high < low or not _fits_at(now, low * 8):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits_at(now, middle * 8) else (low, middle - 1)
    steps = (*everything, shorter_rows(plan, low * 8))
    return change_of(estimate(plan), steps, estimate(applied(plan, steps)))


def _fits_at(plan: Plan, length: int) -> bool:
    return estimate(schedules(max_length=length)(plan)).verdict is Verdict.FITS


def pending_note(run_dir: Path) -> str:
    """What the next worker is to say of a change, taken away; empty for none."""
    path = run_dir / layout.CHANGED
    note = mapping_of(path).get("note")
    with contextlib.suppress(OSError):
        path.unlink()
    return note if isinstance(note, str) else ""
