"""Counts of rows by length say of any cut what a pass over all rows would say, and answer for millions of rows at once."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from planner.facts.counts import counts_of, drops
from planner.facts.cut import cut
from planner.facts.data import DataFacts, batches, kept_lengths
from planner.schedule import Schedule

ROWS = 300_000


def drawn(draw: random.Random, n: int) -> DataFacts:
    lengths = tuple(draw.randint(1, 30) for _ in range(n))
    prompts = tuple(draw.randint(0, 32) for _ in range(n)) if draw.random() < 0.8 else ()
    form = draw.choice(("prompt_completion", "messages"))
    return DataFacts("a", "", form, n, 1, str(draw.random()), lengths, "counted", "t", "", prompts)


@pytest.mark.parametrize("seed", range(60))
def test_counts_are_those_of_the_rows_that_are_kept(seed: int) -> None:
    draw = random.Random(seed)
    data = drawn(draw, draw.randint(1, 60))
    schedule = Schedule(
        max_length=draw.randint(1, 33),
        completion_only=draw.random() < 0.6,
        eval_fraction=draw.choice((0.0, 0.0, 0.2, 0.5)),
        seed=seed,
    )
    lengths, _ = kept_lengths(data, schedule)
    assert counts_of(data, schedule).cut(schedule.max_length, dropping=drops(data, schedule)) == Counter(lengths)
    kept = kept_lengths(data, Schedule(max_length=schedule.max_length, completion_only=schedule.completion_only))[0]
    whole = Schedule(max_length=schedule.max_length, completion_only=schedule.completion_only)
    found = cut(data, whole)
    assert (found.rows_dropped, found.tokens - found.tokens_cut) == (data.rows - len(kept), sum(kept))


def test_another_cut_of_many_rows_is_told_without_a_pass_over_them() -> None:
    """A pass in pure Python would take tens of milliseconds for each of these cuts."""
    lengths = tuple([i % 500 + 2 for i in range(ROWS)])
    prompts = tuple([i % 250 for i in range(ROWS)])
    data = DataFacts("a", "", "prompt_completion", ROWS, 1, "many", lengths, "counted", "t", "", prompts)
    schedules = [Schedule(max_length=n, completion_only=n % 2 == 0) for n in range(100, 200)]
    batches(data, schedules[0])
    began = time.process_time()
    found = [(batches(data, s).heaviest[0].seq, cut(data, s).rows_cut) for s in schedules]
    assert time.process_time() - began < 0.8
    assert [seq for seq, _ in found] == list(range(100, 200))
