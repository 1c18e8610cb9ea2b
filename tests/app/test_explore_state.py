"""What the Explore page shows is what was found: filters, counts, verdicts, order and differences, held against loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.pages.explore.differing import differences, percent
from app.pages.explore.facets import BATCH, LENGTH, RANK, Facets, number
from app.pages.explore.finding import Finder
from app.pages.explore.looked import Meant, look, look_at, row_of
from app.pages.explore.shown import Columns, marker_counts, scatter_data
from app.pages.explore.state import MOST_ROWS, ExploreState
from planner.estimate import Verdict, estimate
from planner.explore.explored import DOES_NOT_FIT, FITS, Explored
from planner.explore.frontier import frontier
from planner.explore.space import Space
from planner.explore.worth import own_length
from planner.plan import Plan
from planner.units import GIB
from tests.app.exploring import few, found
from tests.planner.explore.brute import small_plan


@pytest.fixture
def state() -> ExploreState:
    what = found()
    made = ExploreState()
    made.take(what.explored, what.facets, what.own)
    return made


def explored_of(state: ExploreState) -> Explored:
    assert state.explored is not None
    return state.explored


def answer(explored: Explored, i: int, question: str) -> str | None:
    """One plan's answer, looked up for it alone."""
    rank = int(explored.rank[i])
    own = {RANK: rank or None, LENGTH: int(explored.max_length[i]), BATCH: int(explored.micro_batch[i])}
    if question in own:
        value = own[question]
        return None if value is None else number(value)
    return explored.facets(i).get(question)


def passing(state: ExploreState, but: str = "") -> list[int]:
    explored = explored_of(state)
    return [
        i
        for i in range(len(explored))
        if not any(answer(explored, i, q) in off for q, off in state.hidden.items() if q != but)
    ]


def test_a_filter_hides_the_plans_with_its_answer_and_no_others(state: ExploreState) -> None:
    state.show_only("Weights", frozenset({"bfloat16"}))
    state.show_only(RANK, frozenset({"8"}))
    state.show_only("Targets", frozenset({"all-linear"}))
    assert np.flatnonzero(state.among).tolist() == passing(state)
    assert 0 < int(state.among.sum()) < len(explored_of(state))


def test_a_count_is_what_an_answer_has_beside_the_other_filters(state: ExploreState) -> None:
    state.show_only("Weights", frozenset({"float32"}))
    state.show_only(BATCH, frozenset({"1", "64"}))
    explored = explored_of(state)
    assert state.facets is not None
    for facet in state.facets.all:
        beside = passing(state, but=facet.name)
        wanted = [sum(answer(explored, i, facet.name) == a for i in beside) for a in facet.answers]
        assert list(state.counts[facet.name]) == wanted, facet.name


def test_questions_with_one_answer_are_not_asked(state: ExploreState) -> None:
    assert state.facets is not None
    explored = explored_of(state)
    for facet in state.facets.all:
        assert len({answer(explored, i, facet.name) for i in range(len(explored))} - {None}) > 1
    assert "Objective" in explored.facets(0)
    assert "Objective" not in state.facets.names


def test_rows_are_not_cut_more_than_the_person_chose_and_it_is_said(state: ExploreState) -> None:
    explored = explored_of(state)
    assert set(explored.max_length[state.among].tolist()) == {own_length(explored)}
    assert number(own_length(explored)) in state.notes()[LENGTH]
    state.show_only(LENGTH, frozenset())
    assert state.among.all()
    assert state.notes() == {}
    state.take(state.explored, state.facets, state.own)  # explored anew: what a person ticked stays
    assert state.among.all()


def test_the_load_line_decides_what_fits_and_comes_back(state: ExploreState) -> None:
    explored = explored_of(state)
    before = state.counted()
    state.assume(1 * GIB)
    for i in range(0, len(explored), 7):
        high, low = int(explored.high[i]), int(explored.low[i])
        assert (state.verdicts[i] == FITS) == (high <= GIB and explored.elsewhere[i] == FITS)
        assert (state.verdicts[i] == DOES_NOT_FIT) == (low > GIB or explored.elsewhere[i] == DOES_NOT_FIT)
    assert state.counted() != before
    assert "What if there were 1.00 GiB" in state.line_sentence("")
    state.assume(explored.budget_bytes)
    assert state.what_if_bytes is None
    assert state.counted() == before


def test_a_budget_that_was_assumed_stays_with_its_device_and_goes_with_another(state: ExploreState) -> None:
    explored = explored_of(state)
    state.assume(1 * GIB)
    state.take(None, None, None)  # while it explores anew
    state.take(explored, state.facets, state.own)
    assert state.what_if_bytes == GIB
    state.take(replace(explored, place="another card"), state.facets, state.own)
    assert state.what_if_bytes is None
    state.assume(1 * GIB)
    state.take(replace(explored, place="another card", capacity_bytes=3 * GIB), state.facets, state.own)
    assert state.what_if_bytes is None


def test_sums_are_those_of_the_columns(state: ExploreState) -> None:
    explored = explored_of(state)
    fit = int(((explored.verdicts() == FITS) & state.among).sum())
    assert state.counted().replace("\u00a0", " ") == (
        f"{int(state.among.sum()):,} of {len(explored):,} valid · {fit:,} fit"
    )
    assert state.invalid_words() == f"{explored.invalid_plans:,} not valid: why?"


def test_the_frontier_is_that_of_the_plans_shown_and_the_cost_chosen(state: ExploreState) -> None:
    explored = explored_of(state)
    state.look_at_cost("trainable")
    wanted = frontier(explored.peak, -explored.trainable.astype(float), state.among)
    assert state.frontier.tolist() == wanted.tolist()
    assert set(np.diff(explored.trainable[state.frontier]) > 0) == {True}


def test_money_is_the_time_at_the_persons_price_and_energy_is_offered_only_where_watts_are_known(
    state: ExploreState,
) -> None:
    explored = explored_of(state)
    assert "energy" not in [cost.key for cost in state.costs]
    state.price(7.2)
    state.look_at_cost("money")
    assert state.cost.column(explored) == pytest.approx(explored.seconds / 500)
    state.watts = 100.0
    assert "energy" in [cost.key for cost in state.costs]


def test_the_table_has_the_filtered_plans_in_its_columns_order_and_counts_the_rest(
    state: ExploreState, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.frontier_only = False
    names = [column.name for column in state.columns]
    state.order(names.index("Peak"), falling=True)
    rows, counted = state.table_rows()
    peaks = explored_of(state).peak[rows].tolist()
    assert peaks == sorted(explored_of(state).peak[state.among].tolist(), reverse=True)[:MOST_ROWS]
    monkeypatch.setattr("app.pages.explore.state.MOST_ROWS", 5)
    rows, counted = state.table_rows()
    assert len(rows) == 5
    assert counted == f"5 of {int(state.among.sum()):,} plans, {int(state.among.sum()) - 5:,} more"
    state.order(names.index("Weights"), falling=False)
    first = state.columns[names.index("Weights")].words(int(state.table_rows()[0][0]))
    assert first == min(dict(explored_of(state).facets(i))["Weights"] for i in np.flatnonzero(state.among))
    lines = state.lines_of(rows)
    assert lines[0] == tuple(names)
    assert len(lines) == 6


def test_every_row_is_found_again_by_its_plan(state: ExploreState) -> None:
    explored = explored_of(state)
    for i in range(0, len(explored), 61):
        assert row_of(explored, look(explored, i).plan) == i


def test_a_plan_that_is_none_of_the_rows_is_told_by_its_own_estimate(state: ExploreState) -> None:
    explored = explored_of(state)
    plan = explored.space.plan
    odd = plan.with_schedule(replace(plan.stage.schedule, micro_batch=7))
    meant = look_at(explored, estimate(odd), 12.0)
    assert meant is not None
    assert meant.row == -1
    assert meant.looked.peak == estimate(odd).tiers[0].peak_bytes
    assert meant.looked.seconds == 12.0


def test_the_persons_own_plan_is_among_the_explored_with_the_estimates_figures(state: ExploreState) -> None:
    now = estimate(explored_of(state).space.plan)
    assert state.own is not None
    assert (state.own.low, state.own.peak, state.own.high) == (
        now.tiers[0].low_bytes,
        now.tiers[0].peak_bytes,
        now.tiers[0].high_bytes,
    )
    assert state.own.trainable > 0


def test_differences_are_signed_and_there_are_none_of_a_plan_with_itself(state: ExploreState) -> None:
    explored = explored_of(state)
    order = np.argsort(explored.peak)
    a, b = look(explored, int(order[0])), look(explored, int(order[-1]))
    assert differences(a, a) == []
    up, down = differences(a, b), differences(b, a)
    peak = {True: next(d for d in up if d.what == "Peak"), False: next(d for d in down if d.what == "Peak")}
    assert peak[True].change.startswith("+")
    assert peak[True].tone == "bad"
    assert peak[False].change.startswith("−")
    assert peak[False].tone == "good"
    assert {d.what for d in up} == {d.what for d in down}
    told = {d.what: d.change for d in up}
    assert all("→" in told[q] for q in ("Weights", "Trained") if q in told)


@pytest.mark.parametrize(
    ("before", "after", "words"), [(100, 69, "−31 %"), (100, 104, "+4.0 %"), (1, 12, "× 12"), (0, 3, "from none")]
)
def test_a_change_in_per_cent(before: float, after: float, words: str) -> None:
    assert percent(before, after) == words


def test_a_pinned_plan_stays_when_another_model_is_explored_and_one_looked_at_does_not(state: ExploreState) -> None:
    state.pick(3)
    state.pin(0, state.meant)
    state.find_again((None, None, None))
    assert state.meant is None
    assert state.pins[0] is not None
    assert state.pin_rows == (-1, -1)
    state.find_again((5, 7, None))
    assert isinstance(state.meant, Meant)
    assert state.meant.row == 5
    assert state.pin_rows == (7, -1)


def test_points_have_the_columns_of_what_was_found(state: ExploreState) -> None:
    explored = explored_of(state)
    columns = Columns(explored)
    data = scatter_data(state, columns)
    assert data.x.tolist() == explored.peak.tolist()
    assert data.among is state.among
    assert sum(marker_counts(state, columns)) == int(state.among.sum())
    names = [data.groups[g].name for g in data.group]
    told = [" · ".join(explored.facets(i)[q] for q in ("Weights", "Trained")) for i in range(len(explored))]
    assert names == told
    state.look_at_cost("quality")
    learned = scatter_data(state, columns)
    best = int(explored.quality.min())
    assert learned.y.max() == -best  # the better class stands higher
    assert [place for place, _ in learned.y_ticks] == sorted({-float(q) for q in explored.quality})
    state.look_at_cost("saved")
    again = scatter_data(state, columns)
    assert again.x is data.x  # so that a filter paints no axis anew


# remembering


def test_the_same_space_is_explored_once_whichever_of_its_plans_is_the_plan() -> None:
    searched: list[Plan] = []

    def search(plan: Plan, space: Space) -> Explored:
        searched.append(plan)
        return few(plan)

    finder = Finder(search)
    plan = small_plan(free_bytes=2 * GIB)
    first = finder.find(estimate(plan), (None,))
    other = look(first.explored, 40).plan
    again = finder.find(estimate(other), (other, plan))
    assert len(searched) == 1
    assert again.again
    assert again.explored.space.plan == other
    assert again.rows[0] == 40
    assert again.own is not None
    assert again.own.plan == other
    moved = replace(plan, machine=replace(plan.machine, ram_available_bytes=GIB))
    assert not finder.find(estimate(moved), ()).again
    assert len(searched) == 2


def test_a_plan_that_is_not_valid_itself_is_explored_around_and_has_no_figures_to_compare() -> None:
    from app.pages.plan.edits import with_technique
    from planner.slots import Slot

    plan = with_technique(with_technique(small_plan(), Slot.WEIGHTS, "nf4"), Slot.TRAINABLE, "full")
    now = estimate(plan)
    assert now.verdict is Verdict.CANNOT_TELL
    seen = Finder(few).find(now, ())
    assert len(seen.explored)
    assert seen.own is None


def test_times_that_nobody_knows_are_left_out_and_said() -> None:
    what = found()
    blind = replace(what.explored, seconds=np.full(len(what.explored), math.nan))
    state = ExploreState()
    state.take(blind, Facets(blind), None)
    data = scatter_data(state, Columns(blind))
    assert len(data.shown) == 0
    assert "not known" in data.whole_sentence
    assert state.frontier.tolist() == []
    assert "Time" not in {d.what for d in differences(look(blind, 0), look(blind, 9))}
