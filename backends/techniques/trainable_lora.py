"""Hangs LoRA adapters on the model, with PEFT. Imports nothing of ours."""

from __future__ import annotations

from typing import Any

from peft import LoraConfig, get_peft_model


def wrap(model: Any, options: Any) -> Any:
    """The model with frozen weights and trained adapters. Draws from torch's random state: seed it just before."""
    targets = list(options.target_modules)
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules="all-linear" if targets == ["all-linear"] else targets,  # a text is PEFT's own word
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config, autocast_adapter_dtype=options.adapter_dtype == "float32")
