"""A step replayed through the allocator: it says what the ledger says of live bytes, and what a card keeps beside them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from planner import replay
from planner.draft import Draft, Loop, Stack, Ways
from planner.facts.data import BatchShape
from planner.facts.model.catalogue import find
from planner.facts.model.families import stacks_of
from planner.ledger import DEVICE, At, Kind, Line, Why
from planner.replay import Came, Run, can_replay, replayed
from planner.schedule import Schedule
from planner.slots import Slot
from planner.stored import stored
from planner.techniques import attention_eager, attention_sdpa
from planner.timeline import stretches
from planner.training.loss_lines import loss_lines
from planner.training.losses import WholeLogits
from planner.training.step_lines import fine_tune_lines
from planner.units import MIB
from planner.workspaces import CUBLAS_BYTES, workspace_bytes

MODEL = "HuggingFaceTB/SmolLM2-360M"


@cache
def stacks(trained: bool = True) -> tuple[Stack, ...]:
    """The model in bfloat16. Made once: stacks are compared by identity."""
    return tuple(
        replace(stack, tensors=tuple(replace(x, bits=16, trained=trained) for x in stack.tensors))
        for stack in stacks_of(find(MODEL))
    )


def run(rows: int = 4, seq: int = 512, *, eager: bool = False, recompute: bool = True, repeated: bool = True) -> Run:
    attend = attention_eager.attend if eager else attention_sdpa.attend
    ways = Ways(attend, 16, 16, False, 16 if eager else 0, recompute, "cuda", Loop())
    size = sum(stored(stack).trained_bytes for stack in stacks())
    return Run(stacks(), ways, WholeLogits(), rows, seq, 0, 2 * size, size, True, repeated)


def draft_and_lines(one: Run) -> tuple[Draft, tuple[Line, ...]]:
    """The same run as a draft, and its ledger's lines with those of an optimizer."""
    draft = Draft(
        find(MODEL),
        Schedule(micro_batch=one.rows),
        BatchShape(one.rows, one.seq, padded=False),
        "cuda",
        0,
        one.stacks,
        compute_bits=16,
        attend=one.ways.attend,
        mask_bits=one.ways.mask_bits,
        recompute=one.ways.recompute,
    )
    when = stretches(0)
    optimizer = (
        Line("States", Kind.STATES, DEVICE, one.state_bytes, when.states, Slot.OPTIMIZER, Why("")),
        Line("Work", Kind.WORKSPACE, DEVICE, one.update_bytes, when.update, Slot.OPTIMIZER, Why("")),
    )
    return draft, (*fine_tune_lines(draft), *loss_lines(draft, WholeLogits()), *optimizer)


def totals_of(one: Run, lines: tuple[Line, ...]) -> dict[At, int]:
    """Live bytes of the card at the instants of training."""
    return {at: sum(int(x.bytes) for x in lines if at in x.alive and x.place is DEVICE) for at in stretches(0).training}


def ledger_peak(one: Run) -> int:
    """Live bytes at the fullest instant as the ledger's lines have it, with the workspaces of two threads."""
    return max(totals_of(one, draft_and_lines(one)[1]).values()) + 2 * CUBLAS_BYTES


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize(("rows", "seq"), [(1, 128), (4, 1024)])
def test_the_replay_and_the_ledger_agree_on_live_bytes(eager: bool, recompute: bool, rows: int, seq: int) -> None:
    one = run(rows, seq, eager=eager, recompute=recompute)
    assert replayed(one).allocated_bytes == pytest.approx(ledger_peak(one), rel=0.02)


def test_what_is_reserved_covers_what_is_live() -> None:
    for one in (run(), run(1, 64), run(eager=True), run(recompute=False), run(repeated=False)):
        came = replayed(one)
        assert came.reserved_bytes >= came.allocated_bytes > one.state_bytes
        assert came.fits


def test_a_larger_batch_is_never_less_alive() -> None:
    sizes = [replayed(run(rows, 256)).allocated_bytes for rows in (1, 2, 4, 8)]
    assert sizes == sorted(sizes)


def test_a_capacity_is_kept_by_giving_back_or_said_to_be_too_small() -> None:
    one = run(8, 512, repeated=False)
    free = replayed(one)
    between = (free.allocated_bytes + free.reserved_bytes) // 2
    limited = replayed(one, between)
    assert limited.reserved_bytes <= between if limited.fits else limited == free._replace(fits=False)
    assert not replayed(one, free.allocated_bytes - MIB).fits
    assert replayed(one, free.reserved_bytes + 4 * MIB) == free


def test_growing_segments_leave_less_unused_where_states_do_not_fall_into_the_gaps() -> None:
    one = run(8, 512, repeated=False)
    usual, growing = replayed(one), replayed(one, expandable_segments=True)
    assert growing.allocated_bytes == usual.allocated_bytes <= growing.reserved_bytes <= usual.reserved_bytes


@pytest.mark.parametrize("eager", [False, True])
def test_leaving_out_what_passes_within_the_middle_blocks_changes_little(
    eager: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replayed(run(4, 512, eager=eager))
    monkeypatch.setattr(replay, "WHOLE_BLOCKS", 1000)
    long: Came = replayed.__wrapped__(run(4, 512, eager=eager))
    assert long.allocated_bytes == short.allocated_bytes
    assert short.reserved_bytes == pytest.approx(long.reserved_bytes, rel=0.05)


def test_a_hopper_card_gives_each_thread_a_larger_workspace() -> None:
    assert workspace_bytes(9.0) == 32 * MIB
    assert workspace_bytes(7.5) == workspace_bytes(8.9) == workspace_bytes(0.0) == CUBLAS_BYTES


def test_an_encoder_with_a_decoder_is_not_replayed() -> None:
    assert can_replay(stacks())
    assert not can_replay(stacks_of(find("google-t5/t5-small")))
