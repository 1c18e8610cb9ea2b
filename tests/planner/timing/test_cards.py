"""What a card is said to compute lies within its maker's figures, and known cards stand in the order that people know."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from planner.drafting import draft
from planner.facts.gpus import Gpu, gpus, other_machine
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.slots import Slot
from planner.timing.effort import Effort, effort_of
from planner.timing.rates import Work
from planner.timing.rates_of import rates
from planner.timing.speed import of_card, of_cores
from planner.timing.timed import timed
from tests.planner.test_plan_file import sample_plan
from tests.small_run import choose

KNOWN = tuple(g for g in gpus() if g.fp32_tflops and g.bf16_tflops)
BATCH = Work(1, 1, 8 * 1024, 8 * 1024 * 1024)  # large enough that a card computes and is not waited for


def on(card: Gpu, weights: str) -> Plan:
    moved = replace(sample_plan(), machine=other_machine(card.name), model=catalogue.find("Qwen/Qwen2.5-7B"))
    device = "mps" if card.kind == "mps" else "cuda:0"
    return moved.with_choice(choose(Slot.PLACEMENT, "one_device", device=device)).with_choice(
        choose(Slot.WEIGHTS, weights)
    )


@cache
def effort(weights: str) -> Effort:
    return effort_of(draft(on(next(g for g in KNOWN if g.name == "NVIDIA L40S"), weights)))


def seconds(name: str, weights: str = "fp32") -> float:
    speed = of_card(next(g for g in KNOWN if g.name.startswith(name)).name)
    assert speed is not None
    return float(rates(effort(weights), speed).seconds(BATCH))


def test_no_card_computes_float32_faster_than_its_maker_says_nor_than_16_bits() -> None:
    assert len(KNOWN) > 90
    for card in KNOWN:
        speed = of_card(card.name)
        assert speed is not None
        assert 0.5 * card.fp32_tflops <= speed.flops_32 / 1e12 <= card.fp32_tflops, card.name
        assert speed.pair_flops_32 < speed.flops_32 <= speed.flops_16, card.name
        assert speed.flops_16 / 1e12 <= max(card.bf16_tflops, card.fp32_tflops), card.name


def test_a_figure_of_float32_is_of_no_tensor_core_and_names_its_source() -> None:
    for card in gpus():
        assert card.fp32_source, card.name
        if card.vendor == "nvidia" and card.compute_capability >= 7 and card.bf16_tflops:
            assert card.bf16_tflops >= 1.95 * card.fp32_tflops, card.name


def test_float32_takes_no_less_time_than_bfloat16() -> None:
    for card in KNOWN:
        assert seconds(card.name, "bf16") <= seconds(card.name, "fp32"), card.name


def test_an_old_card_has_a_time_in_float32_and_none_in_what_it_cannot_compute() -> None:
    old = next(g for g in KNOWN if g.name == "Tesla P40")
    assert timed(on(old, "fp32")) is not None
    assert timed(on(old, "bf16")) is None


@pytest.mark.parametrize(
    "slow_to_fast",
    [
        ("Tesla P4", "NVIDIA GeForce GTX 1080 Ti", "NVIDIA GeForce RTX 2080 Ti", "NVIDIA GeForce RTX 3090",
         "NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 5090"),
        ("Tesla T4", "Tesla V100-SXM2-32GB", "NVIDIA A100-SXM4-80GB", "NVIDIA H100 80GB HBM3"),
        ("Apple M1, 8", "Apple M4", "Apple M2 Max", "Apple M3 Ultra", "NVIDIA GeForce RTX 3090"),
        ("AMD Radeon RX 6800 XT", "AMD Instinct MI250X", "AMD Instinct MI300X"),
        ("NVIDIA A100-SXM4-80GB", "NVIDIA L40S"),  # in float32 it is the newer chip, not the dearer one, that is fast
    ],
)  # fmt: skip
def test_known_cards_stand_in_their_order_in_float32(slow_to_fast: tuple[str, ...]) -> None:
    times = [seconds(name) for name in slow_to_fast]
    assert all(slower > 1.05 * faster for slower, faster in pairwise(times)), times


def test_without_a_figure_of_float32_there_is_no_time() -> None:
    assert all(of_card(g.name) is None for g in gpus() if not g.fp32_tflops or not g.bf16_tflops)
    assert of_card("Intel Gaudi 2") is None


def test_what_no_published_step_was_held_against_has_a_wider_band() -> None:
    card = next(g for g in gpus() if g.name == "NVIDIA L40S")
    wide, narrow = timed(on(card, "fp32")), timed(on(card, "bf16"))
    assert wide is not None
    assert narrow is not None
    assert wide.seconds_per_epoch[2] / wide.seconds_per_epoch[0] > 2 * (
        narrow.seconds_per_epoch[2] / narrow.seconds_per_epoch[0]
    )
    assert "float32 on cards was not held against any published step" in wide.why


def test_a_processor_that_may_have_no_amx_may_be_far_slower_in_bfloat16() -> None:
    """One core without it was measured at 17 GFLOP/s, with it at 1,269; float32 knows no such difference."""
    speed = of_cores(1)
    efforts = {w: effort_of(draft(sample_plan().with_choice(choose(Slot.WEIGHTS, w)))) for w in ("bf16", "fp32")}
    assert speed.band(efforts["bf16"])[1] >= 1269 / 17
    assert speed.band(efforts["fp32"])[1] < 10
    assert "no AMX" in speed.source
