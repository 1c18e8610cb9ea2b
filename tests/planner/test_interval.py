"""An interval is as wide as its causes make it, each from a table and told by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.estimate import estimate
from planner.interval import Cause, around, causes_in_words, ends, share, states_width
from planner.ledger import DEVICE
from planner.presets import load_preset
from planner.units import GIB, MIB
from tests.small_run import small_machine

CAUSES = st.lists(st.builds(Cause, st.just("a"), st.integers(0, GIB), st.integers(0, GIB)), max_size=6)


@given(st.integers(0, 99 * GIB), CAUSES, st.integers(0, GIB))
def test_one_more_cause_never_makes_an_interval_narrower(expected: int, causes: list[Cause], more: int) -> None:
    low, high = ends(expected, causes)
    lower, higher = ends(expected, [*causes, Cause("b", more, more)])
    assert 0 <= lower <= low <= expected <= high <= higher


def test_causes_that_have_nothing_to_do_with_each_other_join_as_squares() -> None:
    assert ends(100, [Cause("a", 3, 30), Cause("b", 4, 40)]) == (95, 150)
    assert around("a", (90, 100, 130)) == Cause("a", 10, 30)
    assert share("a", 5000, (8, 15)) == Cause("a", 40, 75)


def test_causes_are_told_widest_first_and_closed_ones_not_at_all() -> None:
    told = causes_in_words([Cause("context", MIB, 2 * MIB), Cause("length", 0, 0), Cause("allocator", GIB, GIB)])
    assert told == "Low and high by cause: allocator −1.00 GiB +1.00 GiB, context −1.0 MiB +2.0 MiB."
    assert causes_in_words([]) == ""


def test_an_unknown_kind_of_states_is_an_error() -> None:
    with pytest.raises(KeyError):
        states_width("guessed")


def test_a_plan_for_a_card_tells_all_five_causes_and_its_ends_are_theirs() -> None:
    result = estimate(load_preset("8gb-card", small_machine()))
    tier = next(t for t in result.tiers if t.place is DEVICE)
    assert {x.name for x in tier.reserved.causes} == {
        "exact states", "activations", "allocator", "context", "data length",
    }  # fmt: skip
    assert (tier.low_bytes, tier.high_bytes) == ends(tier.peak_bytes, tier.reserved.causes)
    assert tier.low_bytes <= tier.peak_bytes <= tier.high_bytes
