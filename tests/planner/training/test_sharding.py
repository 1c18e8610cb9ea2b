"""ZeRO, FSDP and DDP: what one rank of several divides, gathers and holds twice."""

from __future__ import annotations

import pytest

from planner.ledger import Kind
from planner.training.optimizers import Optimizer
from planner.training.sharding import Shares, per_rank
from planner.training.step_lines import fine_tune_lines
from planner.training.zero import zero_lines
from tests.planner.training.small import ELEMENTS, draft, of_kind


def test_zero_divides_states_by_the_ranks_and_then_gradients_too() -> None:
    adam = Optimizer(state_bits=32, implementation="deepspeed", master_bits=32)
    alone, shared = (zero_lines(draft(), 2, ranks, adam) for ranks in (1, 4))
    assert of_kind(alone, Kind.STATES) == 12 * ELEMENTS
    assert of_kind(shared, Kind.STATES) == pytest.approx(of_kind(alone, Kind.STATES) / 4, rel=1e-3)
    assert of_kind(zero_lines(draft(), 3, 4, adam), Kind.GRADIENTS) < of_kind(
        zero_lines(draft(), 3, 1, adam), Kind.GRADIENTS
    )


def test_a_rank_holds_its_share_and_what_it_gathers() -> None:
    lines = fine_tune_lines(draft())
    two, eight = (per_rank(draft(), lines, Shares("fsdp_full", n)) for n in (2, 8))
    stored = [sum(x.bytes for x in found if x.what == "Weights") for found in (lines, two, eight)]
    assert stored[1] == pytest.approx(stored[0] / 2, rel=1e-3)
    assert stored[2] == pytest.approx(stored[0] / 8, rel=1e-3)
    assert any(x.what == "Gathered parameters" for x in eight)
    assert per_rank(draft(), lines, Shares("none", 1)) == lines


def test_ranks_that_only_share_gradients_hold_them_twice() -> None:
    lines = fine_tune_lines(draft())
    more = of_kind(per_rank(draft(), lines, Shares("ddp", 2)), Kind.GRADIENTS) - of_kind(lines, Kind.GRADIENTS)
    assert more == 2 * ELEMENTS
