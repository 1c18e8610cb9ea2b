"""Merging an adapter: one matrix at a time, counted beside PEFT's own and worked out by hand for packed matrices."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from planner.adapters.adapted import adapted
from planner.adapters.lora import Lora
from planner.adapters.merging import merging_lines
from planner.adapters.vectors import Ia3
from planner.draft import Stack
from planner.ledger import DEVICE, HOST, Kind, Line
from planner.weights.packing import FourBits
from tests.live_bytes import LiveBytes
from tests.planner.adapters.adapter_count import FACTS, stack, with_peft

# PEFT 0.21 still asks transformers 5.23 by an old name
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

LARGEST = FACTS.hidden_size * FACTS.intermediate_size
TARGETS = ("q_proj", "down_proj")


def of_merging(lines: tuple[Line, ...], place: object) -> int:
    return sum(x.bytes for x in lines if x.what == "One matrix being merged" and x.place is place)


def with_lora(of: Stack) -> tuple[Stack, ...]:
    return (adapted(of, Lora(4, 32), TARGETS),)


def test_merging_takes_what_peft_takes() -> None:
    from peft import LoraConfig

    model = with_peft(LoraConfig(r=4, target_modules=list(TARGETS)))
    model.to(torch.bfloat16)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
    with LiveBytes(*model.parameters(), *model.buffers()) as live:
        model.merge_adapter()
    assert of_merging(merging_lines(with_lora(stack()), "cpu"), DEVICE) == live.most == 2 * 4 * LARGEST


def test_a_packed_matrix_is_unpacked_summed_and_packed_again() -> None:
    packing = FourBits()
    packed = replace(
        stack(), tensors=tuple(replace(x, packing=packing if x.role == "linear" else None) for x in stack().tensors)
    )
    lines = merging_lines(with_lora(packed), "cuda")
    codes = packing.bytes_of((FACTS.hidden_size, FACTS.intermediate_size))
    assert of_merging(lines, DEVICE) == LARGEST * (2 + 4 + 4 + 4) + codes
    assert of_merging(lines, HOST) == 4 * LARGEST


def test_a_merge_has_the_model_and_the_adapter_and_nothing_of_training() -> None:
    lines = merging_lines(with_lora(stack()), "cpu")
    assert {x.kind for x in lines} == {Kind.WEIGHTS, Kind.ADAPTER, Kind.WORKSPACE}
    assert merging_lines((stack(),), "cpu")[-1].kind is not Kind.WORKSPACE


def test_what_is_not_described_is_refused() -> None:
    with pytest.raises(ValueError, match="not for Ia3"):
        merging_lines((adapted(stack(), Ia3(32), TARGETS),), "cpu")
