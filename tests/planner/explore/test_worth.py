"""What an answer may not give up: where rows are cut, how many a step learns from, and what is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.drafting import draft
from planner.explore.explored import Explored, Ints
from planner.explore.frontier import frontier
from planner.explore.quality import quality_of
from planner.explore.search import explore
from planner.explore.space import space_of
from planner.explore.trying import thriftiest
from planner.explore.worth import cut_needed, in_classes, of_plan, own_length, starting_rows, worthy
from planner.plan import Plan
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques.registry import default_choice
from tests.planner.explore.brute import small_plan, some_of
from tests.planner.explore.test_frontier import brute_force

PLAN = small_plan(schedule=Schedule(micro_batch=2, max_length=128, grad_accumulation=3))


@pytest.fixture(scope="module")
def explored() -> Explored:
    """With every fourth combination, so that targets, ranks and ways of training are all there."""
    lora = default_choice(Slot.TRAINABLE, "lora")
    wider = replace(lora, options=replace(lora.options, rank=16, alpha=32))
    return explore(PLAN.with_choice(wider), some_of(PLAN.with_choice(wider), every=13, lengths=2))


def trained(plan: Plan) -> int:
    return sum(t.elements for s in draft(plan).stacks for t in s.tensors if t.trained and not t.tied)


def test_nothing_worthy_cuts_more_or_learns_from_fewer_rows_or_trains_less(explored: Explored) -> None:
    plan = explored.space.plan
    rows = np.flatnonzero(worthy(explored))
    assert 0 < len(rows) < len(explored)
    for i in rows:
        one = explored.plan(int(i))
        schedule = one.stage.schedule
        assert schedule.max_length == 128
        assert schedule.micro_batch * schedule.grad_accumulation == 6
        choice = one.stage.choice(Slot.TRAINABLE)
        assert choice is not None
        if choice.technique == "lora":
            assert choice.options.rank >= 16
            assert trained(one) >= trained(plan)
    left_out = {explored.plan(int(i)).stage.choice(Slot.TRAINABLE) for i in np.flatnonzero(~worthy(explored))}
    assert len(left_out) > len({explored.plan(int(i)).stage.choice(Slot.TRAINABLE) for i in rows})


def test_a_lower_rank_is_not_worthy_even_where_it_trains_more() -> None:
    lora = default_choice(Slot.TRAINABLE, "lora")
    narrow = replace(lora, options=replace(lora.options, rank=64, alpha=64, target_modules=("q_proj", "v_proj")))
    explored = explore(PLAN.with_choice(narrow), some_of(PLAN.with_choice(narrow), every=9, lengths=1))
    more = explored.trainable > trained(explored.space.plan)
    is_lora = explored.rank > 0
    assert (more & is_lora & (explored.rank < 64)).any()
    assert (explored.rank[worthy(explored) & is_lora] >= 64).all()


def test_the_plan_itself_is_worthy(explored: Explored) -> None:
    number, rank = of_plan(explored)
    assert rank == 16
    own = (explored.structure == number) & (explored.rank == rank) & worthy(explored)
    assert any(explored.plan(int(i)) == explored.space.plan for i in np.flatnonzero(own))


def test_the_first_class_holds_what_learns_no_less_and_each_worse_one_stands_alone(explored: Explored) -> None:
    own = quality_of(explored.space.plan.stage.choices)
    rows = starting_rows(explored)
    first, *others = in_classes(explored, rows)
    assert not first.said
    assert (explored.quality[first.rows] <= own).all()
    for other in others:
        assert other.said
        assert len(np.unique(explored.quality[other.rows])) == 1
    classes = [int(explored.quality[c.rows[0]]) for c in others]
    assert classes == sorted(classes)
    assert sum(len(c.rows) for c in (first, *others)) == len(rows)


def test_rows_to_start_from_are_one_for_each_combination_and_class_the_thriftiest_first(explored: Explored) -> None:
    rows = starting_rows(explored)
    assert (explored.micro_batch[rows] == 1).all()
    assert (np.diff(explored.high[rows]) >= 0).all()
    pairs = set(zip(explored.structure[rows].tolist(), explored.quality[rows].tolist(), strict=True))
    assert len(pairs) == len(rows)


def test_a_plan_that_is_not_in_the_space_bounds_nothing_but_its_schedule(explored: Explored) -> None:
    moved = replace(explored, space=replace(explored.space, structures=explored.space.structures[1:]))
    some = replace(moved, structure=np.maximum(explored.structure - 1, 0))
    assert of_plan(some) == (-1, 0)
    assert worthy(some).sum() > worthy(explored).sum()


@pytest.mark.parametrize(
    ("lengths", "max_length", "need"),
    [((40, 90), 64, 64), ((40, 90), 512, 90), ((), 512, 512), ((4000,), 9000, 2048), ((), 9000, 2048)],
)
def test_a_cut_beyond_the_longest_row_or_the_positions_is_none(
    lengths: tuple[int, ...], max_length: int, need: int
) -> None:
    plan = small_plan(model="EleutherAI/pythia-70m", lengths=lengths, schedule=Schedule(max_length=max_length))
    assert cut_needed(plan) == need
    whole = space_of(plan)
    explored = explore(plan, replace(whole, structures=whole.structures[:1]))
    assert own_length(explored) >= need
    assert own_length(explored) in {length for *_, length in explored.space.grid}


def one_combination_each(need: list[list[int]], like: Explored) -> Explored:
    """Combinations with the given needs at every point of a grid."""
    n, points = len(need), len(need[0])
    flat = np.array(need).reshape(-1)
    grid = tuple((1, 1, 64 + i) for i in range(points))
    structures = tuple(like.space.structures[0] for _ in range(n))
    structure: Ints = np.repeat(np.arange(n), points)
    return replace(like, space=replace(like.space, structures=structures, grid=grid), structure=structure,
                   rank=np.zeros(n * points, dtype=np.int64), point=np.tile(np.arange(points), n), high=flat)  # fmt: skip


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, 4), min_size=n, max_size=n), min_size=1, max_size=9)
    )
)
def test_the_thriftiest_are_those_that_no_other_needs_less_than_everywhere(need: list[list[int]]) -> None:
    made = one_combination_each(need, LIKE)
    rows = np.flatnonzero(made.point == 0)
    kept = made.structure[thriftiest(made, rows)].tolist()

    def no_more(a: int, b: int) -> bool:
        return all(x <= y for x, y in zip(need[a], need[b], strict=True))

    expected = [
        b
        for b in range(len(need))
        if not any(no_more(a, b) and (not no_more(b, a) or a < b) for a in range(len(need)) if a != b)
    ]
    assert kept == expected


def test_the_frontier_of_what_was_explored_is_that_of_brute_force(explored: Explored) -> None:
    some = np.zeros(len(explored), dtype=bool)
    some[::3] = True
    found = frontier(explored.peak, explored.seconds, some)
    expected = brute_force(explored.peak.tolist(), explored.seconds.tolist(), some.tolist())
    assert found.tolist() == expected
    assert len(found) > 2


LIKE = explore(PLAN, replace(some_of(PLAN, every=400, lengths=1), grid=((1, 1, 64),)))
