"""hf-mem: weights from the checkpoint's header and a KV cache from its configuration; inference and loading only.

It reads a published checkpoint, so rows that quantise or cast while loading cannot be put to it. Headers are made from
the table of shapes, with the group sizes of the row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.others.ask import Question
from benchmarks.others.shapes import config, entry
from benchmarks.truth.answer import Answer, Predicted, Refused
from benchmarks.truth.row import Row
from benchmarks.truth.rows import Published

SIDE = Path(__file__).with_name("hf_mem_side.py")
TWO_BYTES = {"bfloat16": "BF16", "float16": "F16"}
BITS = {"gptq4": 4, "awq4": 4, "gptq8": 8}
CACHE = {"bfloat16": "bfloat16", "float16": "bfloat16", "int8": "fp8"}  # it knows widths by these names only


def question(one: Published) -> Question:
    cannot = _cannot(one.row)
    return Question(one.label.id, None, cannot) if cannot else Question(one.label.id, _asked(one.row))


def _cannot(row: Row) -> str:
    weights = row.weights
    if row.task not in ("infer", "load"):
        return "it has no training"
    if row.model_key is None or weights is None or row.sharding.n_gpus > 1:
        return "no model, or several GPUs"
    if weights.storage not in (*TWO_BYTES, *BITS, "fp8"):
        return f"no published checkpoint stored as {weights.storage}"
    if row.task == "infer" and (row.kv_cache_dtype not in CACHE or not row.seq_len or not row.micro_batch):
        return "a cache it has no name for"
    return ""


def _asked(row: Row) -> dict[str, Any]:
    assert row.model_key
    assert row.weights
    return {
        "config": config(row.model_key),
        "header": header(row),
        "cache": row.task == "infer",
        "cache_dtype": CACHE.get(row.kv_cache_dtype or "", "auto"),
        "tokens": (row.seq_len or 0) + (row.new_tokens or 0),
        "batch": row.micro_batch or 1,
    }


def header(row: Row) -> dict[str, dict[str, Any]]:
    """The checkpoint's tensors by storage, as many elements as the model has; their names carry no meaning here."""
    assert row.model_key
    assert row.weights
    model, weights = entry(row.model_key), row.weights
    if weights.storage in TWO_BYTES:
        return {"weights": _tensor(TWO_BYTES[weights.storage], model["params"])}
    tables = model["embedding_params"] * (1 if model["tie_word_embeddings"] else 2)
    norms = (2 * model["num_hidden_layers"] + 1) * model["hidden_size"]
    packed, group = model["params"] - tables - norms, weights.block_size or 128
    rest = {"rest": _tensor("F16", tables + norms)}
    if weights.storage == "fp8":
        return rest | {"weights": _tensor("F8_E4M3", packed), "scales": _tensor("BF16", packed // group**2)}
    per_word = 32 // BITS[weights.storage]
    return rest | {
        "qweight": _tensor("I32", packed // per_word),
        "qzeros": _tensor("I32", packed // group // per_word),
        "scales": _tensor("F16", packed // group),
    }


def _tensor(dtype: str, elements: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [elements], "data_offsets": [0, 0]}


def answer(row: Row, told: dict[str, Any]) -> Answer:
    """Weights and cache are all it has; whatever the metric, that is its figure."""
    if "refused" in told:
        return Refused(told["refused"])
    total = int(told["total_bytes"])
    return Predicted(total, total, total, expected_allocated=total)
