"""Rows held out for evaluation: the same for everybody who asks, never trained on, and no other rows than were said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.estimate import estimate, heaviest_batch, heaviest_evaluation
from planner.facts.data import batches, evaluated_rows, kept_lengths, rows_of
from planner.facts.order import total_steps
from planner.facts.split import held_out, n_held_out, n_trained_on, split_problems, trained_on
from planner.schedule import Schedule
from planner.tier import Verdict
from tests.planner.explore.brute import small_plan

LENGTHS = tuple(20 + (37 * i) % 200 for i in range(60))


@given(st.integers(1, 400), st.floats(0.01, 0.9), st.integers(0, 2**32 - 1))
def test_every_row_is_on_one_side(rows: int, share: float, seed: int) -> None:
    schedule = Schedule(eval_fraction=share, seed=seed)
    held, trained = held_out(rows, schedule), trained_on(rows, schedule)
    assert sorted((*held, *trained)) == list(range(rows))
    assert list(held) == sorted(held)
    assert abs(len(held) - rows * share) <= 0.5
    assert (len(held), len(trained)) == (n_held_out(rows, schedule), n_trained_on(rows, schedule))


@settings(deadline=None)  # the first draw imports torch
@given(st.integers(1, 300), st.floats(0.0, 0.9), st.integers(0, 2**32 - 1))
def test_they_are_those_that_torch_draws(rows: int, share: float, seed: int) -> None:
    """So that an exported script can draw them in one line."""
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    schedule = Schedule(eval_fraction=share, seed=seed)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed)).tolist()
    assert held_out(rows, schedule) == tuple(sorted(order[: int(rows * share + 0.5)]))


def test_they_are_these_for_ever() -> None:
    """A version of Python that drew others would train on what an earlier run had held out."""
    assert held_out(20, Schedule(eval_fraction=0.25, seed=17)) == (4, 10, 13, 16, 19)


def test_only_the_share_and_the_seed_choose_them() -> None:
    schedule = Schedule(eval_fraction=0.3)
    other = replace(schedule, shuffle=False, micro_batch=1, grad_accumulation=9, epochs=3.0, max_steps=5, max_length=8)
    assert held_out(50, other) == held_out(50, schedule)
    assert held_out(50, replace(schedule, seed=18)) != held_out(50, schedule)
    assert held_out(50, Schedule()) == ()


@pytest.mark.parametrize(("share", "rows", "which"), [(0.01, 12, "evaluate on"), (0.9, 1, "train on")])
def test_a_side_without_rows_is_a_problem(share: float, rows: int, which: str) -> None:
    schedule = Schedule(eval_fraction=share)
    (problem,) = split_problems(rows, schedule)
    assert problem.code == "schedule.empty_split"
    assert which in problem.fact
    plan = small_plan(lengths=LENGTHS[:rows], schedule=schedule)
    assert estimate(plan).problems == (problem,)
    assert estimate(plan).verdict is Verdict.CANNOT_TELL
    assert not split_problems(rows, Schedule())
    assert not split_problems(0, schedule), "rows that are not known cannot be too few"


def test_steps_and_batches_are_of_the_other_rows() -> None:
    plan = small_plan(
        lengths=(*LENGTHS, 900), schedule=Schedule(micro_batch=4, max_length=1024, eval_fraction=0.2, seed=3)
    )
    schedule = plan.stage.schedule
    held = held_out(61, schedule)
    lengths, known = kept_lengths(plan.data, schedule)
    assert known
    assert lengths == [plan.data.lengths[i] for i in trained_on(61, schedule)]
    assert total_steps(n_trained_on(61, schedule), schedule) == -(-(61 - len(held)) // 4)
    assert not set(rows_of(plan.data, schedule, heaviest_batch(plan))) & set(held)


def test_the_longest_row_counts_on_the_side_where_it_is() -> None:
    """Whichever seed holds it out: then an evaluation has it, and no step."""
    sides = set()
    for seed in range(12):
        schedule = Schedule(micro_batch=4, max_length=1024, eval_fraction=0.3, eval_batch=2, seed=seed)
        plan = small_plan(lengths=(*LENGTHS, 900), schedule=schedule)
        evaluated = heaviest_evaluation(plan)
        assert evaluated is not None
        is_held = 60 in held_out(61, schedule)
        assert (evaluated.seq == 900, heaviest_batch(plan).seq == 900) == (is_held, not is_held)
        assert evaluated.rows == (
            2 if evaluated.seq < 900 or len(evaluated_rows(plan.data, schedule, evaluated)) == 2 else 1
        )
        assert set(evaluated_rows(plan.data, schedule, evaluated)) <= set(held_out(61, schedule))
        sides.add(is_held)
    assert sides == {True, False}


def test_without_a_share_nothing_is_evaluated() -> None:
    plan = small_plan()
    assert batches(plan.data, plan.stage.schedule).evaluated == ()
    assert heaviest_evaluation(plan) is None
    assert "evaluate" not in {at.phase for at in estimate(plan).timeline}
