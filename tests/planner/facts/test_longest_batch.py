"""The longest batch is one that really occurs, and no batch of the run is heavier than those named."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.data import DRAWN_LIMIT, BatchShape, DataFacts, batches, longest_batch
from planner.facts.order import micro_batches
from planner.schedule import Schedule


def data(lengths: list[int], **more: object) -> DataFacts:
    known: dict[str, object] = {"form": "messages", "lengths_from": "counted", **more}
    return DataFacts("d", "", rows=len(lengths), size_bytes=1, sha256="s", lengths=tuple(lengths), **known)  # type: ignore[arg-type]


schedules = st.builds(
    Schedule,
    micro_batch=st.integers(1, 9),
    grad_accumulation=st.integers(1, 4),
    epochs=st.sampled_from([0.3, 1.0, 1.5, 3.0]),
    max_steps=st.sampled_from([-1, 1, 5]),
    max_length=st.integers(8, 60),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 80), min_size=1, max_size=60), schedules)
def test_it_occurs_and_no_other_is_heavier(lengths: list[int], schedule: Schedule) -> None:
    cut = [min(n, schedule.max_length) for n in lengths]
    real = set()
    for batch in micro_batches(len(lengths), schedule):
        of_batch = [cut[i] for i in batch]
        real.add((len(batch), max(of_batch), min(of_batch) < max(of_batch)))
    shapes = batches(data(lengths), schedule).heaviest
    named = [(s.rows, s.seq, s.padded) for s in shapes]
    assert set(named) <= real
    assert longest_batch(data(lengths), schedule) == shapes[0]
    assert shapes[0].tokens == max(r * s for r, s, _ in real)
    for r, s, p in real:
        assert any(a * b >= r * s and a * b * b >= r * s * s and q == p for a, b, q in named)
    assert all(s.certain for s in shapes)


def test_among_equals_the_one_that_needs_a_mask_comes_first() -> None:
    facts = data([9, 9, 9, 4])
    assert longest_batch(facts, Schedule(micro_batch=2, shuffle=False)) == BatchShape(2, 9, padded=True)


def test_a_last_batch_of_one_long_row_is_named_for_attention_that_grows_with_the_square() -> None:
    facts = data([10, 10, 10, 10, 30])
    shapes = batches(facts, Schedule(micro_batch=4, shuffle=False)).heaviest
    assert [(s.rows, s.seq) for s in shapes] == [(4, 10), (1, 30)]


def test_a_step_limit_leaves_out_batches_that_are_never_taken() -> None:
    facts = data([10, 10, 90, 90])
    assert longest_batch(facts, Schedule(micro_batch=2, shuffle=False, max_steps=1)).seq == 10


def test_rows_whose_answer_is_cut_away_are_dropped_when_only_answers_count() -> None:
    facts = data([30, 12, 50], form="prompt_completion", prompt_lengths=(5, 6, 20))
    all_tokens = Schedule(micro_batch=1, max_length=20)
    assert longest_batch(facts, all_tokens).seq == 20
    only_answers = Schedule(micro_batch=1, max_length=20, completion_only=True)
    assert longest_batch(facts, only_answers).seq == 20  # row 1 is cut, and keeps some of its answer
    assert longest_batch(data([12, 50], form="prompt_completion", prompt_lengths=(6, 20)), only_answers).seq == 12


def test_what_is_not_known_is_bounded_and_said() -> None:
    schedule = Schedule(micro_batch=4, max_length=100)
    unknown = longest_batch(DataFacts("d", "", "messages", 10, 1, "s"), schedule)
    assert unknown == BatchShape(4, 100, certain=False)
    both = batches(DataFacts("d", "", "messages", 10, 1, "s"), schedule).heaviest
    assert both == (unknown, BatchShape(4, 100, padded=False, certain=False))
    assert batches(DataFacts("d", "", "messages", 1, 1, "s"), schedule).heaviest == (
        BatchShape(1, 100, padded=False, certain=False),
    )
    assert not longest_batch(data([5, 6, 7], lengths_from="estimated"), schedule).certain
    large = data([5] * (DRAWN_LIMIT + 1) + [70])
    assert longest_batch(large, schedule) == BatchShape(4, 70, padded=True, certain=False)


def test_where_batches_are_bounded_rows_of_one_length_meet_as_far_as_there_are_enough() -> None:
    for longest, alike in (([70], [(4, 30), (1, 70)]), ([70] * 3, [(3, 70)]), ([70] * 4, [(4, 70)])):
        facts = data([30] * (DRAWN_LIMIT - DRAWN_LIMIT % 4 + 4) + longest)
        shapes = batches(facts, Schedule(micro_batch=4, max_length=100)).heaviest
        assert {(s.rows, s.seq) for s in shapes if not s.padded} == set(alike)
        assert not any(s.certain for s in shapes)


def test_asking_again_costs_microseconds() -> None:
    facts, schedule = data(list(range(1, 2001))), Schedule()
    longest_batch(facts, schedule)
    started = time.process_time()
    for _ in range(1000):
        longest_batch(facts, schedule)
    assert (time.process_time() - started) / 1000 < 100e-6
