"""bfloat16 weights: two bytes each, whatever the file holds, and none of them a page of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.drafting import draft
from planner.facts.model.folder import read_folder
from planner.plan import Plan
from planner.techniques.weights_bf16 import WeightsBf16
from tests.planner.test_estimate import COUNTED, machine, plan
from tests.techniques.by_hand import load, size, twin_of
from tests.tiny_model import make_tiny_model


def test_buffers_stay_float32() -> None:
    tensors = draft(plan()).stacks[0].tensors
    assert {t.bits for t in tensors if t.role not in ("buffer", "adapter")} == {16}
    assert {t.bits for t in tensors if t.role == "buffer"} == {32}


def test_a_float32_file_is_loaded_in_half_its_bytes_and_leaves_the_file(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    folder = make_tiny_model(tmp_path / "m", dtype="float32")
    twin, options = twin_of(WeightsBf16()), WeightsBf16.Options()
    model = load(folder, **twin.load_kwargs(options))
    before = {name: (p.data_ptr(), p.clone()) for name, p in model.named_parameters()}
    after = dict(twin.wrap(model, options).named_parameters())
    assert {p.dtype for p in after.values()} == {torch.bfloat16}
    assert all(after[name].data_ptr() != where for name, (where, _) in before.items())
    assert all(torch.equal(after[name], value) for name, (_, value) in before.items())
    assert model.lm_head.weight is model.model.embed_tokens.weight

    counted = sum(p.nbytes for p in after.values()) + sum(b.nbytes for b in model.buffers())
    stage = plan().stage
    planned = size(Plan("p", read_folder(folder), COUNTED, machine(), (stage,)), "Weights")
    assert planned == counted
