"""What the allocator keeps beside a row's live tensors: the planner's closed form, and whether flushing would make it fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.truth import loss_of, optimizer_of
from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.facts.gpus import capability_of
from planner.kept import kept
from planner.ledger import DEVICE, At, Kind, Line
from planner.replay import Run, can_replay, replayed
from planner.reserved import band, context_of
from planner.slots import Slot
from planner.timeline import stretches
from planner.training.zero_kept import kept_by_zero3


class Held(NamedTuple):
    """Low, expected and high bytes beside the peak of live tensors."""

    low: int
    expected: int
    high: int


def held(row: Row, draft: Draft, timeline: Iterable[At], lines: Iterable[Line]) -> Held:
    """At the instants that the row's counter saw: in training by the planner's closed form, else as other runs had it."""
    lines = [x for x in lines if x.place is DEVICE]
    totals = {at: sum(int(x.bytes) for x in lines if at in x.alive) for at in timeline}
    if row.task != "train":
        return Held(*band("cuda", False).allocator(max(totals.values(), default=0)))
    if row.sharding.kind == "zero3":
        return Held(*kept_by_zero3(totals, lines, draft, row.sharding.n_gpus, optimizer_of.of(row)))
    return Held(*kept(totals, lines, draft.stacks, draft.recompute))


def goes_with_flushes(row: Row, draft: Draft, lines: Iterable[Line]) -> bool:
    """Whether the row's step would go on its card if unused segments are given back when it is full."""
    if row.task != "train" or row.card_bytes is None or not can_replay(draft.stacks):
        return False
    return replayed(run_of(row, draft, lines), row.card_bytes - context_of(capability_of(row.gpu or ""))[1]).fits


def run_of(row: Row, draft: Draft, lines: Iterable[Line]) -> Run:
    """The row's training step, to be replayed."""
    update = next(iter(stretches(0).update))
    lines = [x for x in lines if x.place is DEVICE and update in x.alive]
    loss, piece_tokens = loss_of.loss(row, draft)
    return Run(
        draft.stacks,
        draft.ways,
        loss,
        int(draft.batch.rows),
        int(draft.batch.seq),
        int(piece_tokens),
        sum(int(x.bytes) for x in lines if x.kind is Kind.STATES),
        sum(int(x.bytes) for x in lines if x.kind is Kind.WORKSPACE and x.slot is Slot.OPTIMIZER),
        alone=draft.schedule.grad_accumulation == 1 and not draft.loop.takes_gradients,
        repeated=row.seq_len_kind == "exact",
    )
