"""What stands beside the ledger grows as measured: with batch lengths in 16 bits on a CPU, and with nothing else there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.facts.gpus import capability_of, gpus
from planner.reserved import band, context_of
from planner.tier import Tier, Verdict
from planner.units import GIB, MIB
from planner.verdict import judge, sentence
from tests.planner.test_plan_file import sample_plan


@given(st.integers(1, 5000), st.booleans())
def test_more_batch_lengths_never_mean_less_beside_the_ledger(shapes: int, recompute: bool) -> None:
    fewer = band("cpu", recompute, 16, shapes).beside(GIB)
    more = band("cpu", recompute, 16, shapes + 1).beside(GIB)
    assert all(a <= b for a, b in zip(fewer, more, strict=True))
    low, expected, high = more
    assert low <= expected <= high


def test_kernels_are_kept_for_sixteen_bits_on_a_cpu_and_stop_growing() -> None:
    def beyond(kind: str, bits: int, shapes: int) -> int:
        return int(band(kind, False, bits, shapes).beside(0)[1] - band(kind, False, bits, 1).beside(0)[1])

    assert beyond("cpu", 16, 4) > 20 * MIB
    assert beyond("cpu", 16, 40) == beyond("cpu", 16, 4000)
    assert beyond("cpu", 32, 40) == 0
    assert beyond("cuda", 16, 40) == 0


def test_rows_are_held_by_the_computer_and_never_by_a_card() -> None:
    for kind, grows in (("cpu", True), ("host", True), ("cuda", False)):
        low, expected, high = (
            more - none
            for more, none in zip(
                band(kind, False, rows_bytes=20 * MIB).context_bytes, band(kind, False).context_bytes, strict=True
            )
        )
        assert (low < expected < high) is grows
        assert (expected > 20 * MIB) is grows


@pytest.mark.parametrize(("name", "word"), [("RAM", "RAM"), ("Disk", "disk")])
def test_memory_that_could_not_be_read_is_no_memory_that_is_too_small(name: str, word: str) -> None:
    from planner.estimate import estimate

    tiers = estimate(sample_plan()).tiers
    unread = tuple(t._replace(capacity_bytes=0, budget_bytes=0) if t.name == name else t for t in tiers)
    assert isinstance(unread[0], Tier)
    assert judge(unread) is Verdict.CANNOT_TELL
    assert word in sentence(unread, estimate(sample_plan()).lines, certain=True)


@given(st.integers(0, 1 << 40), st.sampled_from(["cpu", "cuda", "rocm", "mps", "host"]), st.booleans())
def test_context_and_allocator_together_are_what_stands_beside(live: int, kind: str, recompute: bool) -> None:
    one = band(kind, recompute)
    parts = zip(one.context_bytes, one.allocator(live), one.beside(live), strict=True)
    assert all(context + allocator == both for context, allocator, both in parts)


def test_allocated_reserved_and_process_are_three_figures_of_a_place() -> None:
    from planner.estimate import estimate

    for tier in estimate(sample_plan()).tiers:
        assert tier.allocated_bytes == tier.live_bytes
        assert tier.process_bytes == tier.peak_bytes
        assert tier.reserved_low_bytes <= tier.reserved_bytes <= tier.reserved_high_bytes
        assert tier.reserved_bytes <= tier.process_bytes


def test_a_context_is_of_the_cards_generation() -> None:
    t4, unknown = context_of(7.5), context_of(0.0)
    assert t4[1] == 141 * MIB
    assert unknown[0] <= t4[0] or unknown[1] > t4[1]
    assert band("cuda", False, capability=7.5).context_bytes == t4
    assert band("rocm", False, capability=7.5).context_bytes == band("rocm", False).context_bytes
    assert capability_of("Tesla T4") == 7.5
    assert capability_of("Some card") == 0.0


def test_every_generation_of_the_catalogue_has_a_context() -> None:
    for card in gpus():
        if card.vendor == "nvidia" and card.compute_capability:
            low, expected, high = context_of(card.compute_capability)
            assert 0 < low <= expected <= high
