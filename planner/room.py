"""What the room left by a plan that fits could be used for: one change each, each a whole plan that fits as well.

Gains come first (rows that are cut now, more to learn, more digits), then what is only faster. Of one setting the most
that gains and fits is offered, and nothing that would change nothing: a longer cut helps only where rows are cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.advised import Change, change_of
from planner.changes import (
    BATCH_SOURCE,
    BATCH_TIME_PER_HALVING,
    Step,
    batch_words,
    schedules,
    single_changes,
)
from planner.estimate import Estimate, Verdict, estimate
from planner.facts.histogram import cut
from planner.plan import Plan

MOST = 4
FASTER = 0.95  # of the time per token: less is not worth a button
LONGER_ROWS = -3  # severity: what is cut now is the first thing that room is good for


def with_the_room_left(plan: Plan, now: Estimate) -> tuple[Change, ...]:
    """For a plan that fits: what else would fit, the most worthwhile first, each with its extra bytes."""
    if now.verdict is not Verdict.FITS:
        return ()
    best: dict[str, Change] = {}
    for step in (*longer_rows(plan), *_richer(plan), *larger_batches(plan), *_faster(plan)):
        change = change_of(now, [step], estimate(step.apply(plan)))
        before = best.get(step.key)
        if change.verdict is Verdict.FITS and change.saves_bytes <= 0 and not (before and before.lost < change.lost):
            best[step.key] = change  # of one setting they come in rising order
    return tuple(sorted(best.values(), key=lambda c: (c.lost, c.time_factor))[:MOST])


def _richer(plan: Plan) -> Iterator[Step]:
    """Answers and options that gain something."""
    yield from (s for s in single_changes(plan) if s.severity < 0)


def _faster(plan: Plan) -> Iterator[Step]:
    """Answers and options that only take less time."""
    yield from (s for s in single_changes(plan) if s.severity == 0 and s.time <= FASTER)


def longer_rows(plan: Plan) -> Iterator[Step]:
    """A later cut, up to none, where rows are cut now; and where their lengths are not known, up to the model's own."""
    now = plan.stage.schedule.max_length
    longest = max(plan.data.lengths, default=plan.model.max_positions or 0)
    if plan.model.max_positions:
        longest = min(longest, plan.model.max_positions)
    if longest <= now:
        return
    for length in (*(n for n in (now * 2, now * 4, now * 8) if n < longest), longest):
        said = str(cut(plan.data, length)) if plan.data.lengths else "The rows' lengths are not counted."
        yield Step(
            "schedule.max_length",
            f"Length {length:,} instead of {now:,}: {said.rstrip('.')}",
            schedules(max_length=length),
            field="max_length",
            severity=LONGER_ROWS,
            short=f"+{tokens_words(length - now)} context",
        )


def tokens_words(tokens: int) -> str:
    """`2k`, `1.5k`, `388`: a thousand is 1,024, as people name lengths."""
    if tokens < 1000:
        return f"{tokens}"
    return f"{tokens / 1024:.1f}".removesuffix(".0") + "k"


def larger_batches(plan: Plan) -> Iterator[Step]:
    """More rows at a time, with less accumulation where there is some."""
    s = plan.stage.schedule
    for times in (2, 4, 8, 16):
        rows = s.micro_batch * times
        if rows > plan.data.rows:
            return
        accumulation = max(1, s.grad_accumulation // times)
        keeps = accumulation * rows == s.micro_batch * s.grad_accumulation
        yield Step(
            "schedule.micro_batch",
            f"Batch {batch_words(rows, accumulation)} instead of {batch_words(s.micro_batch, s.grad_accumulation)}",
            schedules(micro_batch=rows, grad_accumulation=accumulation),
            field="micro_batch",
            time=BATCH_TIME_PER_HALVING ** -(times.bit_length() - 1),
            source=BATCH_SOURCE,
            loses="" if keeps else f"{times} times as many rows go into a step, so there are fewer steps",
            severity=0 if keeps else 1,
            short=f"batch {rows}",
        )
