"""An invented row with every field of the published schema, to change a field at a time."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.truth.answer import Answer
from benchmarks.truth.rows import Published, read_row
from benchmarks.truth.score import Answered


def raw_row(**changes: Any) -> dict[str, Any]:
    """A LoRA run on one card as the file would give it."""
    row: dict[str, Any] = json.loads(ROW)
    assert set(changes) <= set(row)
    return row | changes


def published(**changes: Any) -> Published:
    return read_row(raw_row(**changes))


def answered(answer: Answer, **changes: Any) -> Answered:
    return Answered(published(**changes), answer)


ROW = """{
"id": "invented-1", "source": "someone/things benchmarks/table.md @0123456", "group": "invented", "confidence": "high",
"scored": true, "scored_by_rule": true, "not_scored_because": [], "near_duplicate_of": null,
"model": "HuggingFaceTB/SmolLM2-135M-Instruct", "model_key": "HuggingFaceTB/SmolLM2-135M",
"task": "train", "trainable": "lora",
"trainable_options": {"rank": 8, "alpha": 16, "dropout": 0, "target_modules": ["q_proj", "v_proj"], "fused_qkv": null,
 "variant": null, "trains_a": true, "trains_b": true, "init_rank": null, "virtual_tokens": null,
 "adapter_start_layer": null, "adapter_layers": null, "block_size": null, "n_frequency": null,
 "encoder_hidden_size": null, "encoder_layers": null, "token_indices": null, "active_blocks": null,
 "total_blocks": null, "peft_config": {"use_it": true, "factor": 4, "kind": "plain"}},
"extra_trained": [], "extra_trained_copies": null, "extra_trained_dtype": null,
"trainable_params": 460800, "trainable_params_source": "computed",
"weights": {"storage": "bfloat16", "block_size": null, "double_quant": null, "quantised_modules": null,
 "unquantised_modules": null, "unquantised_dtype": null, "head_untied_copy": false},
"compute_dtype": "bfloat16", "autocast": false, "activation_dtype": "bfloat16", "adapter_dtype": "float32",
"optimizer": {"name": "adamw", "state_dtype": "float32", "implementation": "foreach", "in_backward": false,
 "paged": false, "master_weights_dtype": null},
"gradient_dtype": "float32", "micro_batch": 2, "grad_accumulation": 1, "seq_len": 512, "seq_len_kind": "exact",
"padded": false, "new_tokens": null, "kv_cache_dtype": null, "logits": "all_positions_fp32",
"logits_chunk_tokens": null, "logits_chunk_count": null, "checkpointing": "full", "checkpointing_reentrant": false,
"activation_offload": false, "attention": "sdpa_flash", "repeats_kv": false, "use_cache": false,
"keeps_outputs": false, "compile": false,
"sharding": {"kind": "none", "n_gpus": 1, "cpu_offload": false, "data_parallel": null, "tensor_parallel": null,
 "pipeline_parallel": null, "context_parallel": null},
"gpu": "Tesla T4", "card_bytes": 15636365312, "metric": "allocated", "context_included": false,
"includes_load_peak": false, "phase_peaks": null, "more_metrics": null,
"peak_bytes": 1000, "peak_bytes_alt": null, "bound": "equal", "bound_bytes": 1000, "component": null,
"stack": {"torch": null, "transformers": null, "peft": null, "bitsandbytes": null, "flash_attn": null, "cuda": null,
 "other": null},
"notes": ""
}"""
