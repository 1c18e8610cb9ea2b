"""From a row to the model it trained: transformers' own class of its shapes with PEFT's own adapters, without contents."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

import torch
from packaging.version import Version
from peft import get_peft_model
from transformers import AutoModelForCausalLM

from backends.dry_run import planned
from backends.dry_run.empty import built_empty
from benchmarks.truth.dry_run.config_of import config_of
from benchmarks.truth.row import Row
from planner.facts.model.catalogue import find
from planner.problem import fail

UNTRACED = {
    "adamss": "its matrices are as large as the clusters in a weight's values (k-means), and there are no values",
    "boft": "on a card its rotations are made by a CUDA extension of its own, which PEFT compiles there and no dispatch shows",
    "frod": "it decomposes all weights of one kind before it makes anything, and there are no weights",
}
"""Kinds whose sizes, or whose making, need the contents of the weights or a card."""

OSF_CHANGED = Version("0.20")
FILLED = ("unilora",)
"""Kinds that compute tables of numbers while they are made, from their configuration alone; so these have contents."""


def model_of(row: Row) -> Any:
    """In training mode, on the meta device. Raises ProblemError `row.not_traced`, `row.model`, `row.adapter`."""
    if why := UNTRACED.get(row.trainable):
        raise fail("row.not_traced", f"{row.trainable} is not traced: {why}", "")
    if row.trainable == "osf" and Version(version("peft")) >= OSF_CHANGED:
        why = f"PEFT {version('peft')} keeps other matrices for it than PEFT 0.19, which the comparison ran; trace it with that"
        raise fail("row.not_traced", f"osf is not traced: {why}", "")
    if row.model_key is None:
        raise fail("row.model", "the row names no model whose shapes are known", "")
    if row.weights is None or row.weights.storage not in ("float32", "bfloat16", "float16"):
        raise fail("row.not_traced", "packed weights are not traced", "")
    dtype = getattr(torch, row.weights.storage)
    attention = "eager" if row.attention == "eager" else "sdpa"
    with built_empty():
        config = planned.configuration(find(row.model_key))
        model = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            config, dtype=dtype, attn_implementation=attention
        )
        if row.trainable == "full":
            return model.train()
        widened = row.adapter_dtype == "float32" and row.weights.storage != "float32"
        place: AbstractContextManager[Any] = torch.device("cpu") if row.trainable in FILLED else nullcontext()
        with place:
            return get_peft_model(model, config_of(row), autocast_adapter_dtype=widened).train()
