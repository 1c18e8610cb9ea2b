"""How far a plan goes is found to the last step: with its own techniques alone, where the end is known beforehand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.estimate import estimate
from planner.explore.context_map import with_batch
from planner.explore.explored import Explored
from planner.explore.questions import Question
from planner.explore.search import explore
from planner.explore.stretch import lengths_to_try
from planner.facts.model.catalogue import find
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques.registry import default_choice
from tests.planner.explore.brute import small_plan, some_of
from tests.planner.explore.test_questions import PLANS, answered

UNCOUNTED = replace(PLANS["on a card, rows not counted"], machine=small_plan(card="NVIDIA GeForce RTX 3060").machine)


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
