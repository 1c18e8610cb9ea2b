"""A dry run from a plan to its result: the trace, its replay, what was alive at the peak, and how the formulas differ.

What cannot be traced is refused by its name, with every figure 0. Nothing is computed and nothing is loaded, so it goes
the same for a model of any size, with or without its weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)

from backends.count import Instant
from backends.count_lines import line_of
from backends.counted import Compared, compare
from backends.dry_run.causes import Differing, why
from backends.dry_run.live import Card, LiveTrace
from backends.dry_run.replay import replayed, unused_rests
from backends.dry_run.trainer import trace
from backends.few_steps import MICRO_BATCHES, STEPS
from backends.trainers.twins import untraceable
from planner.drafting import draft
from planner.estimate import Estimate, device_of, estimate, heaviest_batch, heaviest_evaluation
from planner.facts.gpus import capability_of
from planner.ledger import DEVICE, HOST
from planner.plan import Plan
from planner.problem import ProblemError
from planner.run.results import Difference, DryRun, LiveTensor, MomentBytes
from planner.timeline import EVALUATE
from planner.units import words

MOST_TENSORS = 40
NEEDS_CONTENTS = (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
RESTS = "Unused rests of blocks"


def dry_run(
    plan: Plan, tell: Callable[[str, str], bool] = lambda phase, detail: True, within: Path | None = None
) -> DryRun:
    """tell: hears of each phase and where it is, and says whether to go on. within: a folder for what the trainer makes.

    Raises ProblemError of a plan with problems or of a model that cannot be built, and StoppedError.
    """
    began = time.monotonic()
    prediction = estimate(plan)
    if prediction.problems:
        raise ProblemError(prediction.problems[0])
    device, batch = device_of(plan), heaviest_batch(plan)
    assert device is not None
    result = DryRun(device=device.id, steps=STEPS, rows=int(batch.rows), seq=int(batch.seq))
    if refused := untraceable(plan):
        label, because = refused
        told = f"{label} cannot be traced: {because}. The plan's own figures stand."
        return replace(result, untraceable=told)
    card = None
    if device.kind != "cpu":
        card = Card(device.kind, capability_of(device.name) if device.kind == "cuda" else 0.0)
    try:
        evaluated = heaviest_evaluation(plan)
        live = trace(plan, batch, card, evaluated=evaluated, tell=lambda where: tell("trace", where), within=within)
    except NEEDS_CONTENTS as error:
        because = f"{plan.model.architecture} cannot be traced: an operation ({error}) needs the contents of a tensor."
        return replace(result, untraceable=because)
    tell("replay", f"{len(live.events):,} births and deaths")
    rests = unused_rests(live.events[: live.loaded_events]) if card else 0
    result = _pictured(result, plan, live, rests)
    result = replace(
        result, differences=tuple(_differences(prediction, live, card, rests)), notes=_notes(plan, card, rests)
    )
    if card is not None:
        came = replayed(live.events)
        result = replace(
            result,
            reserved_bytes=came.reserved_bytes,
            expandable_bytes=came.expandable_bytes,
            smallest_bytes=came.smallest_bytes,
        )
    return replace(result, seconds=round(time.monotonic() - began, 3))


def _pictured(result: DryRun, plan: Plan, live: LiveTrace, rests: int) -> DryRun:
    """With the moments, the fullest instant and what was alive in it."""
    moments = tuple(MomentBytes(phase, moment, x.bytes + rests) for (phase, moment), x in live.fullest.items())
    (phase, moment), fullest = max(live.fullest.items(), key=lambda item: item[1].bytes)
    of_all = live.fullest_of_all()
    if of_all.bytes > fullest.bytes:  # in one of the blocks between the first and the last
        fullest, moment = of_all, f"{of_all.where.stretch}, block {of_all.where.block + 1}"
        phase = "step 2+"
    accumulated = plan.stage.schedule.grad_accumulation > 1
    return replace(
        result,
        live_bytes=fullest.bytes + rests,
        phase=phase,
        moment=moment,
        operation=fullest.operation,
        moments=moments,
        tensors=tuple(_alike(fullest, live, accumulated))[:MOST_TENSORS],
    )


def _alike(instant: Instant, live: LiveTrace, accumulated: bool) -> Iterator[LiveTensor]:
    """What was alive, largest first; tensors that differ only by their block are one entry."""
    found: dict[tuple[object, ...], LiveTensor] = {}
    for storage in instant.storages:
        what = line_of(storage, instant.where, live.n_blocks, live.head_bytes, accumulated)
        stretch, block, _ = storage.made
        key = (what, storage.operation, storage.shape, storage.dtype, storage.bytes, stretch, block < 0)
        same = found.get(key)
        made = stretch if block < 0 else f"{stretch}, block {block + 1}"
        if same is None:
            found[key] = LiveTensor(what, storage.operation, storage.shape, storage.dtype, storage.bytes, made)
        else:
            made = made if made == same.made else f"{stretch}, blocks"
            found[key] = replace(same, count=same.count + 1, made=made)
    yield from sorted(found.values(), key=lambda x: -x.bytes * x.count)


def _differences(prediction: Estimate, live: LiveTrace, card: Card | None, rests: int) -> Iterator[Difference]:
    plan, place = prediction.plan, DEVICE if card else HOST
    if not prediction.timeline:  # no formulas for this model: nothing to differ from
        return
    drafted = draft(plan, 0, heaviest_batch(plan), heaviest_evaluation(plan))
    of_moment: Compared | None = None  # comes before its lines
    for row in compare(prediction, live, place, {RESTS: rests} if rests else {}):
        if not row.what:
            of_moment = row
            continue
        assert of_moment is not None
        at, more = row.at, row.planned - row.counted
        whole, all_more = of_moment.counted, of_moment.planned - of_moment.counted
        of_phase = drafted.evaluation if at.phase == EVALUATE and drafted.evaluation else drafted
        because = why(Differing(plan, of_phase, at.phase, at.moment, row.what, more, whole, all_more))
        yield Difference(at.phase, at.moment, row.what, row.planned, row.counted, because)


def _notes(plan: Plan, card: Card | None, rests: int) -> tuple[str, ...]:
    notes = []
    if plan.stage.schedule.grad_accumulation > MICRO_BATCHES:
        notes.append("Of each step two micro-batches are followed; the others do what the second does.")
    if card is not None:
        notes.append("Traced on the CPU with the kernels that torch takes on a card; never run beside one.")
    if rests:
        notes.append(f"{words(rests)} of it are rests of memory blocks beside the weights, which no tensor has.")
    if card is not None and card.kind == "cuda" and 9.0 <= card.capability < 11.0:
        notes.append("On this card torch may prefer cuDNN's attention, which keeps as much and is not followed.")
    return tuple(notes)
