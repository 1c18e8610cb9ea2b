"""What a row says about weights and about writing, turned into the planner's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.truth import inference_of, load_of, weights_of
from benchmarks.truth.draft_of import drafted
from benchmarks.truth.row import Row
from benchmarks.truth.rows import read_file
from planner.draft import Stack
from planner.facts.model.catalogue import find
from planner.facts.model.families import stacks_of
from planner.problem import ProblemError
from planner.units import MIB
from planner.weights.packing import FourBits
from tests.benchmarks.one_row import published, raw_row

DEV = Path(__file__).resolve().parents[3] / "shared" / "data" / "measured" / "rows_dev.jsonl"
MODEL = "HuggingFaceTB/SmolLM2-135M"  # its head is tied to the embedding


def row(storage: str = "nf4", weights: dict[str, Any] | None = None, **changes: Any) -> Row:
    stored = raw_row()["weights"] | {"storage": storage} | (weights or {})
    return published(weights=stored, **changes).row


def stack(one: Row) -> Stack:
    return weights_of.stacks(one, stacks_of(find(MODEL)))[0]


def quantised(one: Row) -> set[str]:
    return {x.name for x in stack(one).tensors if x.packing is not None}


def test_a_plain_type_is_stored_as_it_is_named() -> None:
    assert {x.bits for x in stack(row("float32")).tensors} == {32}
    assert {x.bits for x in stack(row("float16")).tensors if x.role != "buffer"} == {16}


def test_what_is_quantised_is_what_the_row_names() -> None:
    blocks = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert quantised(row(weights={"quantised_modules": "decoder_linears"})) == blocks
    assert quantised(row(weights={"quantised_modules": "linears_with_lora"})) == {"q_proj", "v_proj"}
    assert quantised(row(weights={"quantised_modules": "all_linears_and_lm_head"})) == {*blocks, "lm_head"}


def test_what_is_not_quantised_has_the_type_that_the_row_names() -> None:
    one = stack(row(weights={"quantised_modules": "decoder_linears", "unquantised_dtype": "float32"}))
    assert {x.bits for x in one.tensors if x.packing is None} == {32}


def test_a_head_that_is_a_copy_costs_its_bytes() -> None:
    weights = {"quantised_modules": "decoder_linears", "unquantised_dtype": "float16"}
    tied, copied = stack(row(weights=weights)), stack(row(weights={**weights, "head_untied_copy": True}))
    facts = find(MODEL)
    extra = sum(x.bytes for x in copied.tensors) - sum(x.bytes for x in tied.tensors)
    assert extra == 2 * facts.vocab_size * facts.hidden_size


def test_a_storage_without_a_formula_is_refused_by_name() -> None:
    with pytest.raises(ProblemError, match="stored as unknown"):
        stack(row("unknown"))


@pytest.mark.parametrize("storage", ["nf4", "fp4", "int8", "int8_weight_only", "gptq4", "gptq8", "awq4", "fp8"])
def test_every_quantised_storage_is_smaller_than_sixteen_bits_and_can_be_run(storage: str) -> None:
    one = row(storage, {"quantised_modules": "decoder_linears", "unquantised_dtype": "float16"}, task="load")
    plain = sum(x.bytes for x in stack(row("float16")).tensors)
    assert sum(x.bytes for x in stack(one).tensors) < plain


def test_training_on_fp8_is_refused_for_its_matrices_have_a_forward_only() -> None:
    with pytest.raises(ProblemError, match="training on weights stored as fp8"):
        stack(row("fp8"))


def test_logits_of_all_positions_are_the_mark_of_caches_made_anew() -> None:
    infer = {"task": "infer", "trainable": "none", "trainable_options": None, "new_tokens": 64, "repeats_kv": True}
    old = row("float16", **infer, logits="all_positions_fp32", attention="flash2")
    new = row("float16", **infer, logits="last_position", attention="flash2")
    assert inference_of.writing(old).twice
    assert inference_of.writing(old).rotary_positions
    assert not inference_of.writing(new).twice
    assert not inference_of.writing(new).rotary_positions
    fixed = row("float16", **infer, logits="all_positions_model_dtype", attention="sdpa_efficient")
    assert inference_of.writing(fixed).laid_out
    assert not inference_of.writing(fixed).twice


def test_the_load_peak_is_seen_only_by_a_counter_that_was_not_reset() -> None:
    infer = {"task": "infer", "trainable": "none", "trainable_options": None, "new_tokens": 64}
    for seen in (True, False):
        one = row("float16", **infer, includes_load_peak=seen)
        timeline, _ = inference_of.lines(one, drafted(one, find(MODEL)))
        assert ("load" in {at.phase for at in timeline}) is seen


def test_a_reading_of_the_device_leaves_out_what_only_loading_needs() -> None:
    weights = {"quantised_modules": "decoder_linears", "unquantised_dtype": "float16"}
    sizes = []
    for metric in ("allocated", "device_used"):
        one = row(weights=weights, task="load", metric=metric)
        _, lines = load_of.lines(one, drafted(one, find(MODEL)))
        sizes.append(sum(x.bytes for x in lines))
    assert sizes[0] > sizes[1]


@pytest.mark.shared
@pytest.mark.skipif(not DEV.exists(), reason="the published rows are not beside the project")
def test_published_bytes_by_kind_are_met() -> None:
    """FitCheck read the bytes of each kind after loading; adapters are float32 and counted with the wide ones."""
    compared = 0
    for one in read_file(DEV).rows:
        read = one.measured.more_metrics
        if read is None or read.quantised_weight_bytes is None or one.row.model_key is None:
            continue
        draft = drafted(one.row, find(one.row.model_key))
        found = weights_of.readings(draft.stacks)
        assert found["quantised_weight_bytes"] == read.quantised_weight_bytes
        assert found["quant_scale_bytes"] == read.quant_scale_bytes
        assert found["float32_weight_bytes"] == pytest.approx(read.float32_weight_bytes, abs=MIB)
        assert found["half_weight_bytes"] == pytest.approx(read.half_weight_bytes, abs=MIB)
        assert found["after_load_bytes"] == pytest.approx(read.after_load_bytes, rel=0.02)
        compared += 1
    assert compared > 20


def test_torch_packs_what_carries_an_adapter_and_fabric_what_is_float16_first() -> None:
    by_torch = stack(row(weights={"quantised_modules": "linears_with_lora", "double_quant": True}))
    packing = next(x.packing for x in by_torch.tensors if x.name == "q_proj")
    assert isinstance(packing, FourBits)
    assert packing.in_torch
    assert packing.double
