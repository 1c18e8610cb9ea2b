"""What the trust page says of its rows: filters and their counts, order, the sentence, and where a miss lies."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.pages.trust.rows import Origin, published
from app.pages.trust.scale import Scale, bent
from app.pages.trust.split import ONLY_THE_SUM, split_of
from app.pages.trust.state import COLUMNS, FACETS, TrustState, cells, miss_words, pct_words, values_of
from benchmarks.provenance import ROOT
from planner.units import GIB, MIB
from tests.app.trusted import reading, row

SEVERAL = (
    row("one", techniques=("LoRA", "4-bit (NF4)"), card="T4", measured=4 * GIB),
    row("two", techniques=("LoRA", "bfloat16"), card="L40S", measured=5 * GIB),
    row("three", techniques=("all weights", "bfloat16"), card="T4", measured=2 * GIB, counter="reserved"),
    row("mine", origin=Origin.RUN, techniques=("LoRA", "bfloat16"), source="this computer", card="A processor"),
)


def several() -> TrustState:
    state = TrustState()
    state.take(published=[r for r in SEVERAL if r.origin is Origin.PUBLISHED], own=[SEVERAL[-1]])
    return state


def test_the_sentence_says_what_the_benchmark_states() -> None:
    state = TrustState(published=published())
    stated = json.loads((ROOT / "benchmarks" / "results" / "truth.json").read_text(encoding="utf-8"))
    half, most = f"{stated['median_abs_pct']:.1f} %", f"{stated['p90_abs_pct']:.1f} %"
    assert state.sentence() == f"{stated['predicted']} published runs: half within {half}, nine of ten within {most}."
    own = [row("x", origin=Origin.RUN, measured=round(4 * GIB / 0.979)), row("y", origin=Origin.RUN)]
    state.take(own=own)
    assert state.sentence().endswith("; your 2 runs: worst −2.1 %.")
    state.take(own=[*own, row("z", origin=Origin.PROOF, measured=round(4 * GIB / 1.01))])
    assert state.sentence().endswith("; your proof: +1.0 %.")


def test_a_count_is_what_a_filter_leaves() -> None:
    state = TrustState(published=published(), own=SEVERAL[-1:])
    state.ask("technique", "LoRA")
    for facet in FACETS:
        before = getattr(state.filters, facet)
        for value, n in state.counts(facet)[:6]:
            state.ask(facet, value)
            assert len(state.shown) == n, (facet, value)
            assert all(value in values_of(r, facet) for r in state.shown)
        state.ask(facet, before)


def test_filters_are_asked_together() -> None:
    state = several()
    state.ask("card", "T4")
    assert {r.name for r in state.shown} == {"one", "three"}
    assert state.counts("technique") == [("4-bit (NF4)", 1), ("all weights", 1), ("bfloat16", 1), ("LoRA", 1)]
    assert state.passing_without("card") == 4
    state.ask("technique", "all weights")
    assert [r.name for r in state.shown] == ["three"]
    state.ask("source", "this computer")
    assert state.shown == ()
    assert state.sentence() == "No run passes these filters."


@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_every_column_orders_the_rows_both_ways(column: int) -> None:
    state = several()
    for falling in (False, True):
        state.order(column, falling=falling)
        keys = [COLUMNS[column][1](r) for r in state.shown]
        assert keys == sorted(keys, reverse=falling)
        assert len(cells(state.shown[0])) == len(COLUMNS)


def test_arrow_keys_walk_along_an_axis_and_stop_at_its_end() -> None:
    state = several()
    state.selected = state.neighbour(1, lambda r: r.measured)
    walked = [state.selected]
    for _press in range(5):
        state.selected = state.neighbour(1, lambda r: r.measured)
        walked.append(state.selected)
    sizes = [state.row(key).measured for key in walked]  # type: ignore[union-attr]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 5 * GIB


def test_a_miss_is_said_with_its_side_and_its_bytes() -> None:
    under = row(measured=round(4 * GIB / 0.9))
    assert miss_words(under) == "Said 10.0 % less than it took (−455 MiB); what it took is inside the stated band."
    assert "above the stated band" in miss_words(row(measured=6 * GIB))
    assert "below the stated band" in miss_words(row(measured=2 * GIB))
    assert miss_words(row()) == "Said exactly what it took."
    assert (pct_words(-0.04), pct_words(0.4), pct_words(-2.13)) == ("0.0 %", "+0.4 %", "−2.1 %")


# where the miss lies


def test_the_parts_of_a_miss_add_up_to_the_miss_of_every_published_run() -> None:
    split = 0
    for one in published():
        found = split_of(one)
        if not found.shares:
            assert found.why_not == ONLY_THE_SUM
            continue
        split += 1
        assert found.outermost is not None
        assert sum(x.miss_bytes for x in found.parts) == found.outermost.miss_bytes
        assert sum(x.measured for x in found.parts) == found.outermost.measured
        own = [x for x in found.shares if x.total and (x.predicted, x.measured) == (one.expected, one.measured)]
        assert own, "the figure of the row itself is among the sums"
    assert split > 30


def test_counters_that_lie_in_each_other_part_the_miss() -> None:
    one = row(
        expected=1000 * MIB,
        measured=1010 * MIB,
        parts=(("weights", 600 * MIB), ("activations", 300 * MIB), ("optimizer states", 100 * MIB)),
        readings=(
            reading("reserved", 1100, 1150),
            reading("process", 1400, 1440),
            reading("after_load", 600, 601),
            reading("optimizer_state", 100, 100),
        ),
    )
    found = split_of(one)
    misses = {x.name: x.miss_bytes // MIB for x in found.parts}
    assert misses == {
        "weights and optimizer states": -1,
        "activations and workspace": -9,
        "allocator": -40,
        "context": 10,
    }
    assert [x.name for x in found.shares if x.total] == ["live tensors", "held by the allocator", "the process"]


def test_what_was_not_read_for_itself_stays_in_a_larger_part() -> None:
    without_states = split_of(row(readings=(reading("process", 4400, 4500),)))
    assert [x.name for x in without_states.parts] == ["tensors", "allocator and context"]
    assert split_of(row(counter="process")).why_not == ONLY_THE_SUM
    assert split_of(row(counter="unknown")).shares == ()


# places


def test_equal_figures_lie_on_the_diagonal_and_misses_apart_from_it() -> None:
    scale = Scale.of(published())
    exact, over = row(), row(expected=round(4.4 * GIB))
    assert scale.y(exact.expected, exact.measured, misses=False) == scale.x(exact.measured)
    assert scale.y(over.expected, over.measured, misses=False) > scale.x(over.measured)
    assert scale.y(exact.expected, exact.measured, misses=True) == 0.5
    assert bent(-5.0) == -bent(5.0)
    for one in published():
        for misses in (False, True):
            assert 0 <= scale.y(one.expected, one.measured, misses=misses) <= 1
        assert 0 <= scale.x(one.measured) <= 1


def test_a_single_run_and_none_have_axes_too() -> None:
    for rows in ((), (row(),), (row(), replace(row(), measured=4 * GIB + 1))):
        scale = Scale.of(rows)
        assert len(scale.miss_ticks()) >= 3
        assert scale.high > scale.low
