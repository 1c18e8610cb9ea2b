"""Computing as stored: the type between the layers is the weights', never the adapter's, and nothing casts for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.drafting import draft
from planner.slots import Slot
from planner.techniques.precision_as_stored import PrecisionAsStored
from tests.planner.test_estimate import plan
from tests.small_run import choose
from tests.techniques.by_hand import load, tokens

BITS = {"bf16": 16, "fp32": 32}


@pytest.mark.parametrize("weights", BITS)
def test_it_computes_in_the_weights_type_beside_a_float32_adapter(weights: str) -> None:
    made = draft(plan(choose(Slot.WEIGHTS, weights), choose(Slot.TRAINABLE, "lora", adapter_dtype="float32")))
    assert made.compute_bits == BITS[weights]


def test_the_trainer_is_told_to_cast_to_neither_half_type() -> None:
    part = PrecisionAsStored().script(PrecisionAsStored.Options(), plan())
    assert dict(part.arguments) == {"bf16": False, "fp16": False}


@pytest.mark.parametrize(("weights", "dtype"), [("bf16", "bfloat16"), ("fp32", "float32")])
def test_a_loaded_model_computes_in_as_many_bits_as_planned(tiny_model_dir: Path, weights: str, dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    model = load(tiny_model_dir, dtype=getattr(torch, dtype))
    hidden = model.model(input_ids=tokens()).last_hidden_state
    assert 8 * hidden.element_size() == draft(plan(choose(Slot.WEIGHTS, weights))).compute_bits
