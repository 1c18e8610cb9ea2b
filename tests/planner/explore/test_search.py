"""Exploring says of every plan what its estimate says, whatever the model, the rows, the machine and what it has learned."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.calibration.correction import ACTIVATIONS, ALLOCATOR, CONTEXT, Correction
from planner.calibration.fingerprint import device_name
from planner.drafting import device_of, draft
from planner.estimate import Verdict, estimate
from planner.explore.batches import batches_on
from planner.explore.explored import DOES_NOT_FIT, FITS, TIGHT, Explored
from planner.explore.search import explore
from planner.explore.space import Space, space_of
from planner.facts.data import DataFacts, batches
from planner.facts.gpus import other_machine
from planner.plan import Plan, Stage
from planner.problem import ProblemError
from planner.schedule import Schedule
from planner.stored import stored
from planner.timing.timed import timed
from planner.units import GIB, MIB
from tests.planner.explore.brute import one_by_one, small_plan, some_of

VERDICTS = {Verdict.FITS: FITS, Verdict.TIGHT: TIGHT, Verdict.DOES_NOT_FIT: DOES_NOT_FIT}
UNEVEN = (*(30 + (53 * i) % 400 for i in range(57)), 1900)  # the last batch may be one long row alone


def same(found: Explored, samples: int) -> None:
    """Random plans of what was found have the figures of their estimates."""
    drawn, verdicts = random.Random(5), found.verdicts()
    for i in drawn.sample(range(len(found)), samples):
        plan = found.plan(i)
        one = estimate(plan)
        tier = one.tiers[0]
        assert (found.low[i], found.peak[i], found.high[i]) == (tier.low_bytes, tier.peak_bytes, tier.high_bytes)
        assert verdicts[i] == VERDICTS[one.verdict]
        every = [stored(stack) for stack in draft(plan).stacks]
        assert found.trainable[i] == sum(x.trained_elements for x in every)
        taken = timed(plan)
        if taken is None:
            assert np.isnan(found.seconds[i])
        else:
            assert found.seconds[i] == pytest.approx(taken.seconds_per_epoch[1], rel=1e-9)
            assert found.tokens_per_s[i] == pytest.approx(taken.tokens_per_s[1], rel=1e-9)


def learned(plan: Plan) -> Plan:
    """On a computer whose runs have taught something of every term."""
    device = device_of(plan)
    assert device is not None
    name = device_name(device)
    taught = (
        Correction(CONTEXT, name, -40 * MIB, -60 * MIB, -20 * MIB, ("a",)),
        Correction(ALLOCATOR, name, 12_000, 8_000, 15_000, ("a", "b")),
        Correction(ACTIVATIONS, name, -9_000, -12_000, 4_000, ("b",)),
    )
    return replace(plan, machine=replace(plan.machine, corrections=taught))


def with_rows(plan: Plan, lengths: tuple[int, ...], **schedule: float) -> Plan:
    data = replace(plan.data, lengths=lengths, rows=len(lengths) or 500, sha256=str(hash(lengths)), size_bytes=80_000,
                   lengths_from="counted" if lengths else "unknown", sample_prompt="What is a load line?")  # fmt: skip
    return replace(plan, data=data).with_stage(Stage(plan.stage.choices, Schedule(**schedule)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("plan", "samples"),
    [
        (with_rows(small_plan(model="meta-llama/Llama-3.1-8B", card="NVIDIA GeForce RTX 4090"), ()), 250),
        (with_rows(small_plan(model="google/gemma-3-1b-it", card="NVIDIA GeForce RTX 3060"), UNEVEN,
                   micro_batch=3, grad_accumulation=4, max_length=1000), 200),
        (learned(with_rows(small_plan(free_bytes=3 * GIB), UNEVEN, micro_batch=8, max_length=2048)), 250),
        (learned(with_rows(small_plan(model="openai-community/gpt2", card="AMD Radeon RX 7900 XTX"), UNEVEN)), 150),
        (with_rows(small_plan(model="EleutherAI/pythia-410m", card="Apple M2 Max"), UNEVEN), 150),
        (with_rows(small_plan(), UNEVEN, micro_batch=2, eval_fraction=0.2, eval_batch=64, sample_steps=2), 200),
        (with_rows(small_plan(model="Qwen/Qwen3-0.6B", card="NVIDIA GeForce RTX 3060"), UNEVEN, eval_fraction=0.3,
                   eval_steps=5), 150),
    ],
    ids=["card, rows not known", "accumulated", "processor that has learned", "another card that has learned", "unified",
         "evaluated in larger batches", "evaluated on a card"],
)  # fmt: skip
def test_a_thousand_random_plans_have_the_figures_of_their_estimates(plan: Plan, samples: int) -> None:
    found = explore(plan)
    assert len(found) + found.invalid_plans == found.space.combinations
    assert sum(x.plans for x in found.invalid) == found.invalid_plans
    same(found, samples)


def test_nothing_is_left_out_and_nothing_comes_twice() -> None:
    plan = with_rows(small_plan(), UNEVEN, max_length=300)
    space = some_of(plan, every=40)
    slow, fast = one_by_one(space), explore(plan, space)
    assert {x.problem: x.plans for x in fast.invalid} == {x.problem: x.plans for x in slow.invalid}
    for column in ("structure", "rank", "point", "micro_batch", "accumulation", "max_length", "low", "peak", "high",
                   "elsewhere", "trainable", "saved", "quality"):  # fmt: skip
        assert np.array_equal(getattr(fast, column), getattr(slow, column)), column
    assert np.allclose(fast.seconds, slow.seconds, rtol=1e-9, equal_nan=True)


def test_some_plans_are_fullest_in_an_evaluation_and_others_in_a_step() -> None:
    """So that the figures above are of both."""
    plan = with_rows(small_plan(), UNEVEN, micro_batch=2, eval_fraction=0.2, eval_batch=64)
    found = explore(plan, some_of(plan, every=60))
    phases = {(at := estimate(found.plan(i)).tiers[0].peak_at) and at.phase for i in range(len(found))}
    assert {"evaluate", "step 2+"} <= phases


def test_ram_beside_a_card_and_the_disk_decide_as_well() -> None:
    plan = with_rows(small_plan(model="Qwen/Qwen3-0.6B", card="NVIDIA GeForce RTX 4090"), ())
    full = replace(plan, machine=replace(plan.machine, disk_free_bytes=2 * GIB))
    found = explore(full)
    fitting = explore(plan)
    assert (found.verdicts() == DOES_NOT_FIT).sum() > (fitting.verdicts() == DOES_NOT_FIT).sum()
    same(found, 100)
    machine = plan.machine
    short = explore(replace(plan, machine=replace(machine, ram_available_bytes=2 * GIB)))
    kept = fitting.elsewhere == FITS
    assert (short.elsewhere[kept] != FITS).any()  # states pass through RAM on their way to the disk
    same(short, 50)


def test_a_budget_that_is_asked_for_takes_the_devices_place() -> None:
    found = explore(with_rows(small_plan(free_bytes=6 * GIB), UNEVEN), None)
    for budget in (GIB, 3 * GIB, 40 * GIB):
        fits = found.verdicts(budget) == FITS
        assert np.array_equal(fits, found.high <= budget)
    assert np.array_equal(found.verdicts(), found.verdicts(found.budget_bytes))


def test_a_space_of_invalid_plans_alone_has_reasons_and_no_rows() -> None:
    plan = with_rows(small_plan(), UNEVEN)
    whole = explore(plan)
    refused = tuple(x.example for x in whole.invalid)
    assert refused
    found = explore(plan, Space(plan, refused, whole.space.grid))
    assert len(found) == 0
    assert found.invalid


@pytest.mark.parametrize("part", ["ram_total_bytes", "disk_free_bytes", "model", "stages"])
def test_what_cannot_be_told_is_a_problem(part: str) -> None:
    plan = with_rows(small_plan(), UNEVEN)
    if part == "model":
        plan = replace(plan, model=replace(plan.model, unsupported_because="it is a poem."))
    elif part == "stages":
        plan = replace(plan, stages=(plan.stage, plan.stage))
    else:
        plan = replace(plan, machine=replace(plan.machine, **{part: 0}))
    with pytest.raises(ProblemError):
        explore(plan)


def test_the_plans_own_place_is_in_its_space() -> None:
    plan = with_rows(small_plan(card="NVIDIA GeForce RTX 4090"), UNEVEN, micro_batch=5, max_length=777)
    space = space_of(plan)
    assert (5, 1, 777) in space.grid
    assert any(choices == plan.stage.choices for s in space.structures for _, choices in s.settings)
    assert len({choices for s in space.structures for _, choices in s.settings}) * len(space.grid) == space.combinations


def test_the_largest_models_and_batches_are_no_larger_than_the_arithmetic() -> None:
    plan = with_rows(small_plan(model="meta-llama/Llama-3.1-405B", card="NVIDIA H200"), (), micro_batch=64)
    space = space_of(plan)
    largest = tuple(x for x in space.grid if x[0] == 64 and x[2] >= 8192)
    found = explore(plan, Space(plan, space.structures[::9], largest))
    assert found.high.max() > 1 << 44
    same(found, 120)


def test_points_with_more_accumulation_than_a_schedule_takes_are_left_out() -> None:
    plan = with_rows(small_plan(), UNEVEN, micro_batch=300, grad_accumulation=64)
    found = explore(plan)
    assert (300, 64) in {point[:2] for point in found.space.grid}
    assert found.accumulation.max() <= 4096
    assert all("accumulation" not in x.problem.fact for x in found.invalid)
    same(found, 20)


def test_each_step_learns_from_as_many_rows_whatever_the_batch() -> None:
    plan = with_rows(small_plan(), UNEVEN, micro_batch=4, grad_accumulation=3)
    for rows, accumulation, _ in space_of(plan).grid:
        assert rows * accumulation >= 12
        assert accumulation == 1 or rows * (accumulation - 1) < 12


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=70),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(8, 320),
    st.sampled_from([-1, 2, 30, 150, 60_000]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_batches_of_a_grid_are_those_of_each_point(
    lengths: list[int], rows: int, accumulation: int, cut: int, steps: int, shuffle: bool, answers: bool
) -> None:
    prompts = tuple(n // 2 for n in lengths)
    data = DataFacts("d", "", "prompt_completion", len(lengths), 1, str(lengths), tuple(lengths), "counted",
                     prompt_lengths=prompts)  # fmt: skip
    schedule = Schedule(max_steps=steps, epochs=1.5, shuffle=shuffle, completion_only=answers)
    grid = ((rows, accumulation, cut), (rows, 1, cut + 7), (2 * rows, accumulation, cut))
    for point, found in zip(grid, batches_on(data, schedule, grid), strict=True):
        here = replace(schedule, micro_batch=point[0], grad_accumulation=point[1], max_length=point[2])
        assert found == batches(data, here)


def test_cards_of_the_catalogue_can_all_be_explored() -> None:
    for card in ("NVIDIA GeForce GTX 1080 Ti", "NVIDIA A100-PCIE-40GB", "Apple M1, 8 GB"):
        plan = replace(small_plan(), machine=other_machine(card))
        plan = replace(plan, stages=small_plan(card=card).stages)
        same(explore(plan, some_of(plan, every=60)), 20)


def test_a_gpu_that_shares_the_ram_is_explored_as_it_is_estimated() -> None:
    plan = small_plan(card="Apple M1, 16 GB")
    tiers = estimate(plan).tiers
    need = tiers[0].peak_bytes + tiers[1].high_bytes
    tighter = replace(plan, machine=replace(plan.machine, ram_available_bytes=need))
    same(explore(tighter, some_of(tighter)), 40)
