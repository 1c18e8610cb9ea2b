"""The map of batch and context: each cell is the estimate of a plan whose rows are all that long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.estimate import Verdict, estimate
from planner.explore.context_map import BATCHES, ContextMap, context_map, contexts_of, full_rows
from planner.explore.explored import DOES_NOT_FIT, FITS, TIGHT
from planner.facts.model.catalogue import find
from planner.problem import Problem
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques.registry import default_choice
from planner.units import GIB
from tests.planner.explore.brute import small_plan

PLAN = small_plan(
    model="EleutherAI/pythia-410m",
    card="NVIDIA GeForce RTX 3050",
    schedule=Schedule(micro_batch=2, max_length=256, grad_accumulation=4),
)
VERDICTS = {FITS: Verdict.FITS, TIGHT: Verdict.TIGHT, DOES_NOT_FIT: Verdict.DOES_NOT_FIT}


@pytest.fixture(scope="module")
def found() -> ContextMap:
    made = context_map(PLAN)
    assert isinstance(made, ContextMap)
    return made


def test_every_cell_is_the_estimate_of_rows_that_are_all_so_long(found: ContextMap) -> None:
    assert found.peak.shape == (len(BATCHES), len(found.contexts))
    verdicts = found.verdicts()
    for b, rows in enumerate(found.batches):
        for c, length in enumerate(found.contexts):
            plan = full_rows(found.plan_of_cell(b, c))
            assert (plan.stage.schedule.micro_batch, plan.stage.schedule.max_length) == (rows, length)
            one = estimate(plan)
            tier = one.tiers[0]
            figures = (found.low[b, c], found.peak[b, c], found.high[b, c])
            assert figures == (tier.low_bytes, tier.peak_bytes, tier.high_bytes)
            assert VERDICTS[int(verdicts[b, c])] is one.verdict
    assert set(verdicts.flat) >= {FITS, DOES_NOT_FIT}


def test_rows_that_are_all_so_long_are_not_filled_up() -> None:
    """In float32 a card has no kernel for fewer key and value heads than heads; without a mask it writes out all scores."""
    plan = small_plan(model="HuggingFaceTB/SmolLM2-360M", card="Tesla T4", schedule=Schedule(micro_batch=4))
    plan = plan.with_choice(default_choice(Slot.WEIGHTS, "fp32"))
    made = context_map(plan, batches=(1, 4), contexts=(512, 2048))
    assert isinstance(made, ContextMap)
    for b, rows in enumerate(made.batches):
        for c, length in enumerate(made.contexts):
            cell = made.plan_of_cell(b, c)
            even = replace(plan.data, rows=64, lengths=(length,) * 64, sha256=f"{length}")
            one = estimate(replace(cell, data=even)).tiers[0]
            assert (made.peak[b, c], made.high[b, c]) == (one.peak_bytes, one.high_bytes)
            unknown = estimate(replace(cell, data=replace(even, lengths=(), lengths_from="unknown"))).tiers[0]
            uneven = replace(even, lengths=tuple(range(length, length - 64, -1)), sha256=f"{length} and less")
            mixed = estimate(replace(cell, data=uneven)).tiers[0]
            assert unknown.peak_bytes >= max(one.peak_bytes, mixed.peak_bytes)
            assert rows == 1 or mixed.peak_bytes < one.peak_bytes


def test_need_never_falls_along_a_row_or_a_column(found: ContextMap) -> None:
    for figures in (found.low, found.peak, found.high):
        assert (np.diff(figures, axis=0) >= 0).all()
        assert (np.diff(figures, axis=1) >= 0).all()


def test_more_room_makes_no_cell_worse(found: ContextMap) -> None:
    before = found.verdicts(GIB)
    for budget in (2 * GIB, 8 * GIB, 64 * GIB, 1024 * GIB):
        now = found.verdicts(budget)
        assert (now <= before).all()
        before = now
    assert (before == found.elsewhere).all()


def test_a_cell_as_a_plan_has_the_data_as_it_is_and_steps_of_as_many_rows(found: ContextMap) -> None:
    plan = found.plan_of_cell(0, 0)
    assert plan.data == PLAN.data
    assert plan.stage.choices == PLAN.stage.choices
    assert plan.stage.schedule.grad_accumulation == 8
    assert found.plan_of_cell(len(BATCHES) - 1, 0).stage.schedule.grad_accumulation == 1


def test_a_cell_has_its_rows_even_where_the_data_has_fewer() -> None:
    few = replace(PLAN, data=replace(PLAN.data, rows=2, lengths=PLAN.data.lengths[:2]))
    made = context_map(few, batches=(2, 32), contexts=(512,))
    assert isinstance(made, ContextMap)
    assert made.peak[1, 0] > made.peak[0, 0]


@pytest.mark.parametrize(
    ("model", "contexts"),
    [
        ("EleutherAI/pythia-70m", (512, 1024, 2048)),
        ("Qwen/Qwen3-0.6B", (512, 1024, 2048, 4096, 8192, 16384, 32768, 40960)),
        ("meta-llama/Llama-3.1-8B", (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)),
        ("google-bert/bert-base-uncased", (64, 128, 256, 512)),
        ("bigscience/bloom-560m", (512, 1024, 2048, 4096, 8192, 16384, 32768)),  # does not say how many it has
    ],
)
def test_contexts_double_up_to_the_models_positions(model: str, contexts: tuple[int, ...]) -> None:
    assert contexts_of(find(model)) == contexts


def test_what_cannot_be_told_is_a_problem() -> None:
    unread = replace(PLAN, machine=replace(PLAN.machine, disk_free_bytes=0))
    made = context_map(unread)
    assert isinstance(made, Problem)
    assert made.code == "explore.cannot_tell"
    wrong = PLAN.with_choice(default_choice(Slot.TRAINABLE, "full")).with_choice(default_choice(Slot.WEIGHTS, "nf4"))
    made = context_map(wrong)
    assert isinstance(made, Problem)
    assert made.code == "trainable.quantised"
