"""One run of the tape serves every rank: what comes of it is what the run with that rank would have said."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.adapters.lora import Lora
from planner.autograd import any_rank, block
from planner.autograd.amount import unbeaten
from planner.autograd.any_rank import MOST, SYMBOL, at_rank, of_any_rank, unbeaten_at_any_rank
from planner.draft import Draft, Stack
from planner.drafting import draft
from planner.facts.data import BatchShape
from planner.facts.gpus import other_machine
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.plan_set import apply_set
from planner.presets import default_plan, sample_data

MODELS = ("meta-llama/Llama-3.2-1B", "openai-community/gpt2", "google/gemma-2-2b", "microsoft/Phi-3-mini-4k-instruct")
WAYS = (
    (),
    ("activation=checkpointing", "attention=eager"),
    ("weights=nf4", "trainable.dropout=0.1"),
    ("weights=fp32", "trainable.adapter_dtype=same as weights", "schedule.grad_accumulation=4"),
)


def planned(name: str, ways: tuple[str, ...]) -> Plan:
    model = catalogue.find(name)
    plan = default_plan(model, sample_data(model), other_machine("NVIDIA GeForce RTX 4090"))
    for way in ways:
        plan = apply_set(plan, way)
    return plan


def direct(stack: Stack) -> tuple[Stack, int]:
    return stack, 0


@pytest.mark.parametrize("ways", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_blocks_of_one_run_for_all_ranks_are_those_of_a_run_for_each(
    name: str, ways: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(name, ways)
    for rank in (1, 3, 8, 64, 1000, MOST):
        one = draft(apply_set(plan, f"trainable.rank={rank}"), 0, BatchShape(2, 100))
        assert any(site.adapter is not None for stack in one.stacks for site in stack.sites)
        together = block.blocks_of(one)
        with monkeypatch.context() as patch:
            patch.setattr(block, "of_any_rank", direct)
            block._run.cache_clear()
            block._all.cache_clear()
            alone = block.blocks_of(one)
        block._run.cache_clear()
        block._all.cache_clear()
        assert together == alone


def test_stacks_that_differ_in_rank_alone_are_run_once() -> None:
    plan = planned(MODELS[0], ())
    draft(apply_set(plan, "trainable.rank=5"), 0, BatchShape(2, 100))
    before = block._of_any_rank.cache_info().misses
    draft(apply_set(plan, "trainable.rank=6"), 0, BatchShape(2, 100))
    assert block._of_any_rank.cache_info().misses == before


def test_adapters_of_several_ranks_have_no_symbol() -> None:
    one: Draft = draft(planned(MODELS[0], ()), 0, BatchShape(2, 100))
    stack = one.stacks[0]
    first, *others = stack.sites
    mixed = replace(stack, sites=(replace(first, adapter=Lora(3, 32)), *others))
    assert of_any_rank(stack)[1] == 8
    assert of_any_rank(mixed)[1] == 0
    assert of_any_rank(mixed)[0].sites == mixed.sites


@given(
    st.lists(st.tuples(*[st.tuples(st.integers(-9, 9), st.integers(-9, 9))] * 4), max_size=12),
    st.integers(1, MOST),
)
def test_what_is_left_out_for_every_rank_is_beaten_at_each(parts: list[tuple[tuple[int, int], ...]], rank: int) -> None:
    amounts = [tuple(a + b * SYMBOL for a, b in part) for part in parts]
    kept = unbeaten_at_any_rank(amounts, symbol=True)  # type: ignore[arg-type]
    here = [tuple(a + b * rank for a, b in part) for part in parts]
    assert [at_rank(x, rank) for x in amounts] == here  # type: ignore[arg-type]
    assert any_rank.largest_at_rank(kept, rank) == unbeaten(set(here))  # type: ignore[arg-type]


def test_what_squares_the_rank_is_refused() -> None:
    with pytest.raises(AssertionError, match="not linear"):
        at_rank((SYMBOL * SYMBOL, 0, 0, 0), 8)


@pytest.mark.parametrize("ways", WAYS)
def test_a_run_leaves_nothing_to_the_garbage_collector(ways: tuple[str, ...]) -> None:
    """Exploring runs hundreds, and a walk through what they left in cycles would hold up the window."""
    stack = draft(planned(MODELS[0], ways), 0, BatchShape(2, 100))
    block._of_any_rank.cache_clear()
    block._forward_alone.cache_clear()
    gc.collect()
    gc.disable()
    try:
        made = block._of_any_rank(of_any_rank(stack.stacks[0])[0], stack.ways, True, True, True)
        left = gc.collect()
    finally:
        gc.enable()
    assert made.operations > 0
    assert left == 0
