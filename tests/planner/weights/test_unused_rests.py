"""What blocks of whole MiB on a card cost beside the weights in them."""

from __future__ import annotations

import pytest

from planner.draft import Stack, Tensor
from planner.facts.model.catalogue import find
from planner.facts.model.families import stacks_of
from planner.units import MIB
from planner.weights.unused_rests import unused_bytes


@pytest.mark.parametrize(("mib", "unused"), [(48, 0), (135, 1), (129.5, 0.5), (48.25, 0), (9, 0)])
def test_a_block_keeps_a_rest_of_at_most_one_mib(mib: float, unused: float) -> None:
    facts = find("Qwen/Qwen2.5-3B")
    matrix = Tensor("q_proj", "linear", (int(mib * MIB) // 2, 1), 4, 16)
    assert unused_bytes((Stack(facts, 4, (matrix,), ()),)) == 4 * unused * MIB


def test_three_matrices_of_each_of_48_layers_waste_a_mib() -> None:
    # Qwen2.5-14B: gate, up and down have 13,824 × 5,120 × 2 bytes, which is 135 MiB
    unused = unused_bytes(stacks_of(find("Qwen/Qwen2.5-14B")))
    assert unused == pytest.approx(3 * 48 * MIB, rel=0.02)
