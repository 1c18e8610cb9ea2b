"""float32 weights: twice bfloat16's bytes, on every device, without a changed value."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.drafting import draft
from planner.estimate import Verdict, estimate
from planner.slots import Slot
from planner.techniques.weights_fp32 import WeightsFp32
from tests.planner.test_estimate import plan
from tests.small_run import choose
from tests.techniques.by_hand import load, twin_of

FP32 = choose(Slot.WEIGHTS, "fp32")


def test_everything_but_buffers_takes_exactly_twice_as_much_as_in_bfloat16() -> None:
    wide, narrow = draft(plan(FP32)).stacks[0].tensors, draft(plan()).stacks[0].tensors
    by_name = {t.name: t for t in narrow}
    weights = [t for t in wide if t.role not in ("buffer", "adapter")]
    assert sum(t.bytes for t in weights) == 2 * sum(by_name[t.name].bytes for t in weights) > 0
    buffers = [t for t in wide if t.role == "buffer"]
    assert sum(t.bytes for t in buffers) == sum(by_name[t.name].bytes for t in buffers) > 0


def test_a_card_that_cannot_compute_in_bfloat16_takes_it() -> None:
    old_card = choose(Slot.PLACEMENT, "one_device", device="cuda:1")
    assert estimate(plan(FP32, old_card)).verdict is not Verdict.CANNOT_TELL
    assert [p.code for p in estimate(plan(old_card)).problems] == ["weights.no_bf16"]


def test_bfloat16_values_are_widened_unchanged_into_memory_of_their_own(tiny_model_dir: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    twin, options = twin_of(WeightsFp32()), WeightsFp32.Options()
    stored = dict(load(tiny_model_dir, dtype=torch.bfloat16).named_parameters())
    model = load(tiny_model_dir, **twin.load_kwargs(options))
    loaded_at = {name: p.data_ptr() for name, p in model.named_parameters()}
    for name, parameter in twin.wrap(model, options).named_parameters():
        assert parameter.dtype == torch.float32
        assert parameter.data_ptr() != loaded_at[name]
        assert torch.equal(parameter, stored[name].float())
