"""One technique's lines for a given batch, and a model loaded as its twin asks: what the files beside this one share."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from planner.drafting import draft
from planner.facts.data import BatchShape
from planner.plan import Plan
from planner.techniques.technique import Technique


def size(plan: Plan, what: str, rows: int = 2, seq: int = 128, *, padded: bool = False) -> int:
    """Bytes of the only line of that name, 0 where there is none."""
    found = [int(x.bytes) for x in draft(plan, 0, BatchShape(rows, seq, padded)).lines if x.what == what]
    assert len(found) <= 1
    return sum(found)


def twin_of(technique: Technique) -> Any:
    return importlib.import_module(f"backends.techniques.{technique.twin}")


def load(folder: Path, **keywords: Any) -> Any:
    """The model of a local folder, as the worker loads it."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True, **keywords)


def tokens(rows: int = 2, seq: int = 24) -> Any:
    """Token ids of a small batch, always the same."""
    import torch

    return torch.arange(rows * seq).reshape(rows, seq) * 7 % 397 + 3


def trained_steps(model: Any, arguments: dict[str, Any]) -> tuple[float, list[Any], list[int]]:
    """Loss and gradients of one step in double precision, and how often each block's feed-forward part ran."""
    model = model.double().train()
    if arguments["gradient_checkpointing"]:
        model.activation_checkpointing_enable(arguments["gradient_checkpointing_kwargs"])
    ran = [0] * len(model.model.layers)
    for i, block in enumerate(model.model.layers):
        block.mlp.register_forward_pre_hook(lambda *_, i=i: ran.__setitem__(i, ran[i] + 1))
    loss = model(input_ids=tokens(), labels=tokens(), use_cache=False).loss
    loss.backward()
    return loss.item(), [p.grad for p in model.parameters()], ran
