"""Costs: each is a column of what was explored, with words that say the figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.explore.costs import COSTS, SECONDS, TRAINABLE, energy, money, quality_words, share, span
from planner.explore.quality import classes
from planner.explore.space import Space
from tests.planner.explore.brute import one_by_one, small_plan, some_of


@pytest.fixture(scope="module")
def space() -> Space:
    whole = some_of(small_plan(), every=100, lengths=1)
    return replace(whole, grid=whole.grid[:2])


def test_every_cost_has_a_figure_and_words_for_every_plan(space: Space) -> None:
    explored = one_by_one(space)
    for cost in (*COSTS, money(1.5, "€"), energy(200)):
        column = cost.column(explored)
        assert column.shape == (len(explored),)
        assert column.dtype == np.float64
        assert cost.title
        assert all(cost.text(value) for value in column)
    for cost in (SECONDS, money(1.5, "€"), energy(200)):
        assert cost.text(float("nan")) == "not known"
    assert len({cost.key for cost in COSTS}) == len(COSTS)


def test_more_trained_is_better_and_more_time_is_worse(space: Space) -> None:
    explored = one_by_one(space)
    assert np.argmin(TRAINABLE.to_minimise(explored)) == np.argmax(explored.trainable)
    assert np.argmin(SECONDS.to_minimise(explored)) == np.argmin(explored.seconds)


def test_a_price_and_a_power_go_by_the_hour(space: Space) -> None:
    explored = one_by_one(space, seconds=lambda plan: 1800.0)
    assert money(2.0, "€").column(explored)[0] == pytest.approx(1.0)
    assert money(2.0, "€").text(1.0) == "1.00 €"
    assert energy(400).column(explored)[0] == pytest.approx(0.2)
    assert energy(400).text(0.2) == "0.20 kWh"


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0.00052, "0.00052"), (0.0005, "0.0005"), (0.0996, "0.10"), (0.05, "0.05"), (0.2, "0.20"), (12.3, "12.30"),
     (1234.5, "1,234.50"), (0.0, "0.00")],
)  # fmt: skip
def test_an_amount_of_money_is_said_in_digits_that_say_something(amount: float, said: str) -> None:
    assert money(2.0).text(amount) == said


def test_without_a_price_no_cost_is_known_and_its_words_ask_for_one(space: Space) -> None:
    explored = one_by_one(space, seconds=lambda plan: 1800.0)
    assert np.isnan(money(0.0).column(explored)).all()
    assert money(0.0).text(float("nan")) == "type a price per hour"


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_what_is_no_price_and_no_power_is_refused(amount: float) -> None:
    with pytest.raises(ValueError, match="price"):
        money(amount)
    with pytest.raises(ValueError, match="power"):
        energy(amount)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.25, "0.25 s"), (40, "40 s"), (840, "14 min"), (1944, "0.54 h"), (7560, "2.10 h"), (111_600, "31 h"),
     (1e6, "12 days"), (float("nan"), "not known")],
)  # fmt: skip
def test_a_time_is_said_in_the_unit_that_suits_it(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_shares_and_classes_are_said_in_words() -> None:
    assert [share(x) for x in (1.0, 0.0052, 0.00001, 0.0)] == ["100 %", "0.52 %", "less than 0.01 %", "0 %"]
    assert [quality_words(x.number) for x in classes()] == [x.words for x in classes()]
