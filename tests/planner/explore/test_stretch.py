"""How far a plan goes is found to the last step: with its own techniques alone, where the end is known beforehand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.estimate import Verdict, estimate
from planner.explore.context_map import full_rows, with_batch
from planner.explore.explored import Explored
from planner.explore.questions import Question
from planner.explore.search import explore
from planner.explore.stretch import lengths_to_try
from planner.facts.model.catalogue import find
from planner.plan import Plan
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques.registry import default_choice
from tests.planner.explore.brute import small_plan, some_of
from tests.planner.explore.test_questions import PLANS, answered

UNCOUNTED = replace(PLANS["on a card, rows not counted"], machine=small_plan(card="NVIDIA GeForce RTX 3060").machine)


IN_FLOAT32 = small_plan(
    model="HuggingFaceTB/SmolLM2-360M",
    card="NVIDIA GeForce RTX 2070",
    lengths=(7576, 4992, 9810, 9954, 5343, 3006, 6063),
    schedule=Schedule(micro_batch=4, grad_accumulation=3, max_length=4096, shuffle=False),
).with_choice(default_choice(Slot.WEIGHTS, "fp32"))
"""Without a mask all scores are written out, with one they are not: rows of one length need more than mixed ones."""


def alone(plan: Plan) -> Explored:
    """What was explored with the plan's own techniques only."""
    space = some_of(plan, every=10**9, lengths=1)
    own = space.structures[0]._replace(
        settings=tuple(x for x in space.structures[0].settings if x[1] == plan.stage.choices)
    )
    return explore(plan, replace(space, structures=(own,)))


@pytest.mark.parametrize("batch", [1, 3, 5, 11, 20])
def test_a_batch_between_two_doublings_is_found(batch: int) -> None:
    plan = UNCOUNTED
    need = estimate(with_batch(plan, batch, 256)).tiers[0].high_bytes
    answer = answered(Question.BATCH, alone(plan), budget_bytes=need)
    assert answer.plan == with_batch(plan, batch, 256)


@pytest.mark.parametrize("length", [64, 320, 1984, 2048])
def test_a_length_is_found_to_the_last_64_tokens(length: int) -> None:
    plan = UNCOUNTED
    need = estimate(with_batch(plan, 1, length)).tiers[0].high_bytes
    answer = answered(Question.LONGEST, alone(plan), budget_bytes=need)
    assert answer.plan == with_batch(plan, 1, length)


@pytest.mark.parametrize("batch", [2, 6, 32])
def test_more_rows_fit_where_a_mask_comes_with_them(batch: int) -> None:
    data = replace(IN_FLOAT32.data, rows=64, lengths=(4096, 100) * 32, sha256="every other one is short")
    plan = replace(IN_FLOAT32, data=data)
    one, more = (estimate(with_batch(plan, n, 4096)).tiers[0].high_bytes for n in (1, batch))
    assert batch > 2 or more < one
    answer = answered(Question.BATCH, alone(plan), budget_bytes=more)
    assert answer.plan == with_batch(plan, batch, 4096)


def test_the_longest_context_fits_with_equal_rows_and_with_rows_as_they_are() -> None:
    plan = IN_FLOAT32
    answer = answered(Question.LONGEST, alone(plan))
    assert answer.plan is not None
    assert answer.full is not None
    length = answer.plan.stage.schedule.max_length
    assert estimate(answer.plan).verdict is Verdict.FITS
    even = replace(plan.data, lengths=(length,) * 7, sha256="even")
    assert estimate(replace(with_batch(plan, 1, length), data=even)).verdict is Verdict.FITS
    longer = full_rows(with_batch(plan, 1, length + 64))
    assert estimate(longer).verdict is not Verdict.FITS


def test_a_longer_context_is_found_beyond_a_window_that_brings_a_mask() -> None:
    windowed = replace(IN_FLOAT32, model=replace(IN_FLOAT32.model, sliding_window=1000))
    at, beyond = (estimate(full_rows(with_batch(windowed, 1, n))).tiers[0].high_bytes for n in (960, 1024))
    assert beyond < at
    answer = answered(Question.LONGEST, alone(windowed), budget_bytes=beyond)
    assert answer.plan == with_batch(windowed, 1, 1024)


@pytest.mark.parametrize(
    ("model", "lengths"),
    [
        ("EleutherAI/pythia-70m", tuple(range(64, 2049, 64))),
        ("FacebookAI/roberta-base", tuple(range(64, 513, 64))),  # 514 positions
    ],
)
def test_lengths_go_up_to_the_models_positions(model: str, lengths: tuple[int, ...]) -> None:
    assert lengths_to_try(find(model)) == lengths
    assert lengths_to_try(replace(find(model), max_positions=40)) == (40,)


def test_where_no_card_is_large_enough_the_largest_say_what_they_miss() -> None:
    plan = small_plan(model="meta-llama/Llama-3.1-405B", card="NVIDIA H200")
    full = plan.with_choice(default_choice(Slot.TRAINABLE, "full"))
    answer = answered(Question.CARD, alone(full))
    assert answer.plan is None
    assert len(answer.misses) == 3
    for miss in answer.misses:
        tiers = {t.name: t.high_bytes - t.budget_bytes for t in estimate(miss.plan).tiers}
        assert dict(miss.over) == {name: size for name, size in tiers.items() if size > 0}
        assert miss.plan.machine.devices[0].name in dict(miss.over)
