"""A row's figure is of its own counter, and its interval says what makes it wide."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.truth import interval, metric
from benchmarks.truth.answer import Predicted
from benchmarks.truth.draft_of import predict
from benchmarks.truth.reserved_of import Held
from planner.interval import Cause, ends
from planner.ledger import Kind
from planner.tier import Verdict
from planner.units import GIB, MIB
from tests.benchmarks.one_row import published

PEAK = {Kind.WEIGHTS: 4 * GIB, Kind.ADAPTER: 64 * MIB, Kind.LOGITS: 2 * GIB}
LIVE = sum(PEAK.values())
HELD = Held(GIB // 2, GIB, 2 * GIB)
T4_CONTEXT = 141 * MIB


def said(goes: bool = True, **changes: Any) -> Predicted:
    answer = metric.reported(published(**changes).row, PEAK, {}, HELD, lambda: goes)
    assert isinstance(answer, Predicted)
    return answer


def test_each_counter_adds_its_own_part_and_no_other() -> None:
    assert said(metric="allocated").expected == said(metric="active").expected == LIVE
    assert said(metric="reserved").expected == LIVE + GIB
    assert said(metric="process").expected == said(metric="device_used").expected == LIVE + GIB + T4_CONTEXT


def test_all_three_figures_are_told_whatever_the_row_reports() -> None:
    for name in ("allocated", "reserved", "process", "unknown"):
        one = said(metric=name)
        figures = (one.expected_allocated, one.expected_reserved, one.expected_process)
        assert figures == (LIVE, LIVE + GIB, LIVE + GIB + T4_CONTEXT)


def test_an_unnamed_figure_reaches_to_the_other_counter() -> None:
    one = said(metric="unknown")
    assert one.low <= LIVE <= one.high
    assert one.low <= LIVE + GIB + T4_CONTEXT <= one.high
    assert "which counter" in one.causes


def test_only_what_the_counter_sees_makes_the_interval_wide() -> None:
    assert set(said(metric="allocated").causes) == {"exact states", "activations"}
    assert set(said(metric="reserved").causes) == {"exact states", "activations", "allocator"}
    assert set(said(metric="process").causes) == {"exact states", "activations", "allocator", "context"}
    assert "data length" in said(metric="allocated", seq_len_kind="longest_inferred").causes


def test_a_verdict_needs_a_card_and_speaks_of_the_process() -> None:
    need = LIVE + GIB + T4_CONTEXT
    assert said(card_bytes=None).verdict is Verdict.CANNOT_TELL
    assert said(card_bytes=2 * need).verdict is Verdict.FITS
    assert said(card_bytes=need + MIB).verdict is Verdict.TIGHT
    assert said(card_bytes=need - MIB).verdict is Verdict.TIGHT  # it would go with unused segments given back
    assert said(goes=False, card_bytes=need - MIB).verdict is Verdict.DOES_NOT_FIT


Causes = st.lists(st.builds(Cause, st.just("a"), st.integers(0, GIB), st.integers(0, GIB)), max_size=5)


@given(st.integers(0, 9 * GIB), Causes)
def test_an_interval_holds_its_expected_figure_and_each_cause_alone(expected: int, causes: list[Cause]) -> None:
    low, high = ends(expected, causes)
    assert 0 <= low <= expected <= high
    assert all(high >= expected + cause.above for cause in causes)
    assert high <= expected + sum(cause.above for cause in causes)


def test_a_length_known_better_never_makes_an_interval_wider() -> None:
    rows = [published(seq_len_kind=kind).row for kind in ("exact", "longest_known", "longest_inferred", "cap_only")]
    widths = []
    for row in rows:
        low, high = ends(4 * GIB, interval.activations(row, 2 * GIB))
        widths.append(high - low)
    assert widths == sorted(widths)


@pytest.mark.parametrize("name", ["allocated", "reserved", "process"])
def test_a_row_on_a_card_is_predicted_in_its_counter(name: str) -> None:
    answer = predict(published(metric=name).row)
    assert isinstance(answer, Predicted)
    assert answer.expected_allocated is not None
    assert answer.expected_reserved is not None
    assert answer.expected_process is not None
    assert answer.expected_allocated < answer.expected_reserved < answer.expected_process
    assert answer.expected == getattr(answer, f"expected_{name}")
