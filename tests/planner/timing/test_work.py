"""An epoch's work is that of the batches which the trainer makes, and its steps' works add up to it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.facts.data import DataFacts, kept_lengths
from planner.facts.order import micro_batches, steps_per_epoch
from planner.schedule import Schedule
from planner.timing.rates import Work
from planner.timing.work import work_of, work_of_steps

DATA = DataFacts("rows", "/rows.jsonl", "messages", 3, 90, "ab", (10, 11, 12), "counted", "cd")
schedules = st.builds(
    Schedule,
    micro_batch=st.integers(1, 9),
    grad_accumulation=st.integers(1, 4),
    max_length=st.integers(8, 60),
    shuffle=st.booleans(),
    seed=st.integers(0, 3),
)


def of(lengths: list[int], prompts: tuple[int, ...] = ()) -> DataFacts:
    form = "prompt_completion" if prompts else "messages"
    return replace(
        DATA,
        rows=len(lengths),
        lengths=tuple(lengths),
        prompt_lengths=prompts,
        form=form,
        sha256=str((lengths, prompts)),
    )


def added(works: tuple[Work, ...]) -> Work:
    return Work(*(sum(part) for part in zip(*works, strict=True)))


@given(st.lists(st.integers(1, 80), min_size=1, max_size=40), schedules)
@settings(deadline=None, max_examples=60)
def test_an_epoch_is_the_sum_over_the_trainers_own_batches(lengths: list[int], schedule: Schedule) -> None:
    data = of(lengths)
    cut, _ = kept_lengths(data, schedule)
    batches = [[cut[i] for i in rows] for rows in micro_batches(len(cut), schedule)]
    tokens = sum(len(b) * max(b) for b in batches)
    pairs = sum(len(b) * max(b) ** 2 for b in batches)
    assert work_of(data, schedule) == Work(len(batches), steps_per_epoch(len(cut), schedule), tokens, pairs)


@given(st.lists(st.integers(1, 80), min_size=1, max_size=40), schedules, st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_steps_add_up_to_their_epochs(lengths: list[int], schedule: Schedule, epochs: int) -> None:
    data, schedule = of(lengths), replace(schedule, epochs=float(epochs), shuffle=False)
    steps = work_of_steps(data, schedule, 10_000)
    each = work_of(data, schedule)
    assert len(steps) == epochs * each.steps
    assert added(steps) == Work(*(epochs * part for part in each))
    assert steps[:2] == work_of_steps(data, schedule, 2)


def test_rows_whose_answer_is_cut_away_are_left_out() -> None:
    data = of([10, 20, 30], (4, 16, 8))
    schedule = Schedule(micro_batch=1, max_length=12, shuffle=False)
    assert work_of(data, schedule).tokens == 34
    assert work_of(data, replace(schedule, completion_only=True)).tokens == 22


def test_padding_counts_and_unknown_rows_are_taken_as_long_as_they_may_be() -> None:
    schedule = Schedule(micro_batch=4, max_length=64, shuffle=False)
    assert work_of(of([10, 64, 3, 5]), schedule).tokens == 4 * 64
    unknown = replace(DATA, rows=10, lengths=(), lengths_from="unknown")
    assert work_of(unknown, schedule) == Work(3, 3, 640, 640 * 64)
    assert work_of_steps(unknown, schedule, 5) == ()
