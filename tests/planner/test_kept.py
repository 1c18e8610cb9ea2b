"""What the allocator keeps, in closed form: it grows with the batch and follows the replay of the same step."""

from __future__ import annotations

import pytest

from planner.facts.gpus import other_machine
from planner.kept import kept
from planner.ledger import DEVICE, HOST, At, Kind, Line, Why
from planner.presets import default_plan
from planner.replay import Run, replayed
from planner.reserved import context_of
from planner.slots import Slot
from planner.timeline import stretches
from planner.units import GIB
from tests.planner.test_plan_file import sample_plan
from tests.planner.test_replay import draft_and_lines, run, totals_of

WHEN = stretches(0)


def line(kind: Kind, size: int, alive: frozenset[At], slot: Slot = Slot.OBJECTIVE) -> Line:
    return Line("x", kind, DEVICE, size, alive, slot, Why(""))


def closed_form(one: Run) -> tuple[int, int, int]:
    """Low, expected and high reserved bytes."""
    draft, lines = draft_and_lines(one)
    totals = totals_of(one, lines)
    live = max(totals.values())
    low, expected, high = kept(totals, lines, draft.stacks, draft.recompute)
    return live + low, live + expected, live + high


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize(("rows", "seq"), [(1, 512), (4, 512), (8, 1024)])
def test_the_closed_form_follows_the_replay(recompute: bool, rows: int, seq: int) -> None:
    one = run(rows, seq, recompute=recompute, repeated=False)
    assert closed_form(one)[1] == pytest.approx(replayed(one).reserved_bytes, rel=0.12)


def test_more_is_kept_beside_a_larger_batch() -> None:
    sizes = [closed_form(run(rows, 256)) for rows in (1, 2, 4, 8)]
    assert sizes == sorted(sizes)
    assert all(low <= expected <= high for low, expected, high in sizes)


def test_a_blocks_work_stays_beside_the_loss() -> None:
    loss = dict.fromkeys(WHEN.loss, 8 * GIB)
    without = kept(loss, [], (), recompute=False)[1]
    work = line(Kind.WORKSPACE, GIB, WHEN.forward_end)
    assert kept(loss, [work], (), recompute=False)[1] >= without + GIB


def test_the_update_finds_the_room_that_activations_left() -> None:
    update = dict.fromkeys(WHEN.update, 8 * GIB)
    work = line(Kind.WORKSPACE, GIB, WHEN.forward_end)
    assert kept(update, [work], (), recompute=False)[1] < GIB


def test_loading_may_be_the_peak_and_keeps_nothing() -> None:
    totals = dict.fromkeys(WHEN.load, 9 * GIB) | dict.fromkeys(WHEN.loss, GIB)
    assert kept(totals, [], (), recompute=True)[:2] == (0, 0)


def test_only_a_card_with_a_caching_allocator_has_it() -> None:
    from planner.estimate import estimate

    plan = sample_plan()
    made = estimate(default_plan(plan.model, plan.data, other_machine("NVIDIA L40S")))
    device = next(tier for tier in made.tiers if tier.place is DEVICE)
    assert device.allocated_bytes < device.reserved_bytes < device.process_bytes
    assert device.process_bytes - device.reserved_bytes == context_of(8.9)[1]
    host = next(tier for tier in made.tiers if tier.place is HOST)
    assert host.reserved_bytes == host.allocated_bytes
