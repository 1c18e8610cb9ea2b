"""What a cut costs is what lies behind it, and rows that lose their whole answer go with it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from planner.cut_costs import cut_costs, peak_at, telling_lengths
from planner.estimate import estimate
from planner.facts.cut import cut
from planner.facts.data import DataFacts, kept_lengths
from planner.presets import load_preset
from planner.schedule import Schedule
from tests.small_run import small_machine

ROWS = st.lists(st.tuples(st.integers(1, 300), st.integers(0, 300)), min_size=1, max_size=30)


def data(rows: list[tuple[int, int]], form: str = "prompt_completion") -> DataFacts:
    lengths, prompts = tuple(n for n, _ in rows), tuple(min(p, n) for n, p in rows)
    return DataFacts("d", "", form, len(rows), 1, "x", lengths, "counted", prompt_lengths=prompts)


@given(rows=ROWS, length=st.integers(8, 320), answers=st.booleans())
def test_what_is_kept_and_what_is_lost_are_all_there_is(
    rows: list[tuple[int, int]], length: int, answers: bool
) -> None:
    schedule = Schedule(max_length=length, completion_only=answers)
    facts = data(rows)
    found, kept = cut(facts, schedule), kept_lengths(facts, schedule)[0]
    assert found.tokens - found.tokens_cut == sum(kept)
    assert found.rows - found.rows_dropped == len(kept)
    assert found.rows_cut == sum(n > length for n, _ in rows)
    assert (found.rows_cut > 0) == (cut(facts, length).tokens_cut > 0)


@given(rows=ROWS, shorter=st.integers(1, 300), by=st.integers(0, 300))
def test_a_longer_length_never_loses_more(rows: list[tuple[int, int]], shorter: int, by: int) -> None:
    short, long = cut(data(rows), shorter), cut(data(rows), shorter + by)
    assert (short.rows_cut, short.tokens_cut) >= (long.rows_cut, long.tokens_cut)
    assert short.tokens_share <= 1


def test_each_length_costs_what_a_plan_of_that_length_needs() -> None:
    plan = load_preset("8gb-card", small_machine())
    plan = replace(plan, data=data([(n, 0) for n in range(50, 2000, 50)], form="messages"))
    costs = cut_costs(plan)
    own = next(cost for cost in costs if cost.plan)
    assert own.cut.length == plan.stage.schedule.max_length
    assert own.peak_bytes == max(int(t.peak_bytes) for t in estimate(plan).tiers if t.place.tier == _decides(plan))
    peaks = [cost.peak_bytes for cost in costs if cost.peak_bytes is not None]
    assert peaks == sorted(peaks)
    assert len(set(peaks)) > 2
    assert peak_at(plan, 256) != peak_at(plan, 1024)


def _decides(plan: object) -> str:
    from planner.drafting import device_of

    device = device_of(plan)  # type: ignore[arg-type]
    return "host" if device is None or device.kind == "cpu" else "device"


def test_lengths_that_tell_something_are_those_at_which_shares_of_the_rows_are_whole() -> None:
    facts = data([(n, 0) for n in range(1, 1001)])
    assert telling_lengths(facts) == (504, 752, 904, 952, 992, 1000)
    assert telling_lengths(replace(facts, lengths=(), prompt_lengths=())) == ()
