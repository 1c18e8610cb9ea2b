"""FitCheck (fitcheck-llm): a row as its flags, and which of its figures is the row's metric.

Only rows that its flags can describe are put to it: full and LoRA training, and inference, on one GPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.others.ask import Question
from benchmarks.others.shapes import config, entry
from benchmarks.truth.answer import Answer, Predicted, Refused
from benchmarks.truth.row import Row
from benchmarks.truth.rows import Published
from planner.units import MIB

SIDE = Path(__file__).with_name("fitcheck_side.py")
TARGETS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
SHORT = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
QUANTISED = {"nf4": "nf4", "int8": "int8"}
GPUS = {
    "Tesla T4": "t4", "NVIDIA L40S": "l40s", "NVIDIA A100-SXM4-40GB": "a100-40", "NVIDIA A100-SXM4-80GB": "a100-80",
    "NVIDIA GeForce RTX 4090": "4090", "NVIDIA GeForce RTX 3090": "3090", "Tesla P100-PCIE-16GB": "p100-16",
    "Tesla V100-SXM2-16GB": "v100-16",
}  # fmt: skip
UNNAMED_CARD_MIB = 81920  # its estimate depends on the card only where it has measured one


def question(one: Published) -> Question:
    cannot = _cannot(one.row)
    return Question(one.label.id, None, cannot) if cannot else Question(one.label.id, _asked(one.row))


def _cannot(row: Row) -> str:
    """What the row has that no flag of FitCheck's can say."""
    weights = row.weights
    if row.model_key is None or weights is None or row.task not in ("train", "infer"):
        return "no model or no run"
    if row.sharding.kind != "none" or row.sharding.n_gpus > 1:
        return "sharded, or DeepSpeed"
    if weights.storage not in (*SHORT, *QUANTISED):
        return f"weights stored as {weights.storage}"
    if row.micro_batch is None or row.seq_len is None or row.compute_dtype not in SHORT:
        return "batch, length or type not known to it"
    if weights.storage in SHORT and weights.storage != row.compute_dtype:
        return "weights of another type than the compute type"
    return _cannot_train(row) if row.task == "train" else ""


def _cannot_train(row: Row) -> str:
    options, optimizer = row.trainable_options, row.optimizer
    if row.trainable not in ("full", "lora") or optimizer is None:
        return f"trains with {row.trainable}"
    if row.trainable == "lora" and (options is None or options.rank is None or not options.target_modules):
        return "rank or targets not known"
    if row.trainable == "lora" and options and not set(options.target_modules or ()) <= TARGETS:
        return "LoRA on other matrices than its seven"
    if row.extra_trained or (options and options.variant):
        return "trains more than the adapter, or a variant of it"
    if optimizer.name != "adamw" or optimizer.paged or optimizer.in_backward:
        return "another optimizer, paged states, or steps in the backward pass"
    if row.logits in ("chunked", "fused", "sequence_classification") or row.activation_offload:
        return "a loss in pieces or offloaded activations"
    return "" if row.checkpointing in ("none", "full") else "selective checkpointing"


def _asked(row: Row) -> dict[str, Any]:
    weights, options, optimizer = row.weights, row.trainable_options, row.optimizer
    assert row.model_key
    assert weights
    assert row.compute_dtype
    assert row.seq_len
    assert row.micro_batch
    asked: dict[str, Any] = {
        "config": config(row.model_key),
        "params": entry(row.model_key)["params"],
        "gpu": GPUS.get(row.gpu or ""),
        "vram_mib": (row.card_bytes or UNNAMED_CARD_MIB * MIB) // MIB,
        "precision": SHORT[row.compute_dtype],
        "quantization": QUANTISED.get(weights.storage, "none"),
        "double_quant": weights.storage == "nf4" and bool(weights.double_quant),
    }
    if row.task == "infer":
        return {**asked, "task": "infer", "seq_len": row.seq_len + (row.new_tokens or 0), "batch": row.micro_batch}
    assert optimizer
    held = row.adapter_dtype if row.trainable == "lora" else weights.storage
    state = held if optimizer.state_dtype in ("param", None) else optimizer.state_dtype
    return {
        **asked,
        "task": "train",
        "optimizer": "adam8bit" if state == "int8" else "adamw",
        "optimizer_dtype": SHORT.get(state or "float32", "fp32"),
        "batch": row.micro_batch,
        "seq_len": row.seq_len,
        "rank": options.rank if row.trainable == "lora" and options else None,
        "targets": list(options.target_modules or ()) if options else [],
        "checkpoint": row.checkpointing == "full",
        "flash": row.attention != "eager",
        "accumulation": row.grad_accumulation or 1,
    }


def answer(row: Row, told: dict[str, Any]) -> Answer:
    """Its figure of the row's metric: tensors for allocated, active and unspecified, the total for a process."""
    if "refused" in told:
        return Refused(told["refused"])
    total, overhead, context = (int(told[k] * MIB) for k in ("total_mib", "overhead_mib", "context_mib"))
    tensors, reserved = total - overhead, total - context
    of_metric = {"reserved": reserved, "process": total, "device_used": total}.get(row.metric, tensors)
    return Predicted(
        of_metric,
        of_metric,
        of_metric,
        expected_allocated=tensors,
        expected_reserved=reserved,
        expected_process=total,
    )
