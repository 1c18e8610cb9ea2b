"""What must hold for every run that a published row could describe, whatever its figures: order, growth, no surprise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.truth.answer import Predicted, Refused
from benchmarks.truth.draft_of import predict
from benchmarks.truth.row import Optimizer, Row, Sharding, TrainableOptions, Weights

MODELS = ("HuggingFaceTB/SmolLM2-135M", "Qwen/Qwen2.5-0.5B", "Qwen/Qwen3-0.6B", "TinyLlama/TinyLlama-1.1B-Chat-v1.0")
ONE_CARD = Sharding("none", 1, False, None, None, None, None)
NO_OPTIONS: dict[str, Any] = {f: None for f in TrainableOptions.__dataclass_fields__ if f != "peft_config"}


def weights(storage: str) -> Weights:
    packed = storage not in ("bfloat16", "float16", "float32")
    return Weights(
        storage,  # type: ignore[arg-type]
        64 if packed else None,
        False if packed else None,
        "decoder_linears" if packed else None,
        ("embed_tokens", "lm_head", "norms", "biases") if packed else None,
        "float32" if packed else None,
        False,
    )


@st.composite
def training_rows(draw: st.DrawFn) -> Row:
    """Rows of fine-tuning with adapters or of all weights, in every way of storing, keeping and updating."""
    storage = draw(st.sampled_from(["bfloat16", "float16", "float32", "nf4"]))
    trainable = draw(st.sampled_from(["lora", "dora", "full"] if storage != "nf4" else ["lora", "dora"]))
    adapted = trainable != "full"
    compute = storage if storage != "nf4" else "bfloat16"
    attention = draw(st.sampled_from(["eager", "sdpa_flash", "sdpa_efficient", "flash2"]))
    checkpointing = draw(st.sampled_from(["none", "full"]))
    options = {
        **NO_OPTIONS,
        "rank": draw(st.integers(1, 128)),
        "alpha": 16.0,
        "dropout": 0.0,
        "target_modules": ("q_proj", "v_proj"),
    }
    return Row(
        model_key=draw(st.sampled_from(MODELS)),
        task="train",
        trainable=trainable,  # type: ignore[arg-type]
        trainable_options=TrainableOptions(**options) if adapted else None,
        extra_trained=(),
        extra_trained_copies=None,
        extra_trained_dtype=None,
        trainable_params=None,
        weights=weights(storage),
        compute_dtype=compute,  # type: ignore[arg-type]
        autocast=False,
        activation_dtype="float32" if storage == "nf4" else compute,  # type: ignore[arg-type]
        adapter_dtype="float32" if adapted else None,
        optimizer=Optimizer(
            "adamw",
            "float32" if adapted else compute,  # type: ignore[arg-type]
            draw(st.sampled_from(["foreach", "fused", "for_loop"])),
            in_backward=False,
            paged=False,
            master_weights_dtype=None,
        ),
        gradient_dtype="param",
        micro_batch=draw(st.integers(1, 16)),
        grad_accumulation=draw(st.sampled_from([1, 4])),
        seq_len=draw(st.integers(1, 8192)),
        seq_len_kind=draw(st.sampled_from(["exact", "longest_known", "longest_inferred", "cap_only"])),
        padded=draw(st.booleans()),
        new_tokens=None,
        kv_cache_dtype=None,
        logits=draw(st.sampled_from(["all_positions_fp32", "all_positions_model_dtype"])),
        logits_chunk_tokens=None,
        logits_chunk_count=None,
        checkpointing=checkpointing,  # type: ignore[arg-type]
        checkpointing_reentrant=False,
        activation_offload=False,
        attention=attention,  # type: ignore[arg-type]
        repeats_kv=attention == "sdpa_efficient",
        use_cache=draw(st.booleans()) and checkpointing == "none",
        keeps_outputs=draw(st.booleans()),
        compile=False,
        sharding=ONE_CARD,
        gpu=None,
        card_bytes=None,
        metric=draw(st.sampled_from(["allocated", "reserved", "process"])),
        context_included=False,
        includes_load_peak=draw(st.booleans()),
        component=None,
    )


def expected(row: Row) -> int:
    answer = predict(row)
    assert isinstance(answer, Predicted), answer
    return answer.expected


@settings(max_examples=60, deadline=None)
@given(training_rows())
def test_every_row_gets_an_interval_around_what_is_expected(row: Row) -> None:
    answer = predict(row)
    assert isinstance(answer, Predicted), answer
    assert 0 < answer.low <= answer.expected <= answer.high


@settings(max_examples=40, deadline=None)
@given(training_rows(), st.sampled_from(["micro_batch", "seq_len", "rank"]), st.integers(1, 64))
def test_more_rows_longer_rows_and_a_higher_rank_never_need_less(row: Row, what: str, more: int) -> None:
    if what == "rank":
        options = row.trainable_options
        if options is None:
            return
        larger = replace(row, trainable_options=replace(options, rank=(options.rank or 1) + more))
    elif what == "micro_batch":
        larger = replace(row, micro_batch=(row.micro_batch or 1) + more)
    else:
        larger = replace(row, seq_len=(row.seq_len or 1) + more)
    assert expected(larger) >= expected(row)


@settings(max_examples=40, deadline=None)
@given(training_rows())
def test_the_process_holds_what_torch_reserved_and_torch_reserved_what_is_allocated(row: Row) -> None:
    allocated, reserved, process = (expected(replace(row, metric=m)) for m in ("allocated", "reserved", "process"))
    assert allocated <= reserved <= process


@settings(max_examples=5, deadline=None)
@given(training_rows())
def test_a_row_without_a_known_model_is_refused_with_a_reason(row: Row) -> None:
    answer = predict(replace(row, model_key=None))
    assert isinstance(answer, Refused)
    assert answer.why
