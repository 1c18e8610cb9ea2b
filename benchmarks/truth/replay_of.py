"""The allocator's replay of a row's training step: what its card had reserved beside live tensors."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.truth import loss_of
from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.facts.gpus import capability_of
from planner.ledger import DEVICE, Kind, Line
from planner.replay import Came, Run, can_replay, replayed
from planner.reserved import context_of
from planner.slots import Slot
from planner.timeline import stretches


def came(row: Row, draft: Draft, lines: Iterable[Line]) -> Came | None:
    """What a replay of the row's step comes to, None for what is no such step.

    The figures are those of a card without end: what a run needs so as not to flush. fits: it would go with flushes.
    """
    if row.task != "train" or not can_replay(draft.stacks):
        return None
    update = next(iter(stretches(0).update))
    lines = [x for x in lines if x.place is DEVICE and update in x.alive]
    loss, piece_tokens = loss_of.loss(row, draft)
    run = Run(
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
    free_running = replayed(run)
    if row.card_bytes is None:
        return free_running
    capacity = row.card_bytes - context_of(capability_of(row.gpu or ""))[1]
    if free_running.reserved_bytes <= capacity:
        return free_running
    return free_running._replace(fits=replayed(run, capacity).fits)
