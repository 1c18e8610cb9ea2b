"""From a row's fields to PEFT's own configuration of the adapter. What the fields leave out has PEFT's default."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from peft import PeftConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

from benchmarks.truth.row import Row, TrainableOptions
from planner.problem import fail

KINDS = {"prefix": "PREFIX_TUNING", "prompt": "PROMPT_TUNING", "ptuning": "P_TUNING", "dora": "LORA"}
TARGETS = {"final_norm": "norm"}
INPUTS = {
    "r": "rank",
    "lora_alpha": "alpha",
    "num_virtual_tokens": "virtual_tokens",
    "target_modules": "target_modules",
}
"""PEFT's names for what the rows have a field of their own for."""


def config_of(row: Row) -> PeftConfig:
    """Raises ProblemError `row.adapter`, and whatever PEFT's own classes raise over what they are given."""
    options = row.trainable_options
    name = KINDS.get(row.trainable, row.trainable.upper())
    kind = next((c for k, c in PEFT_TYPE_TO_CONFIG_MAPPING.items() if k.name == name), None)
    if kind is None or options is None:
        raise fail("row.adapter", f"PEFT has no adapter {row.trainable}", "")
    known = {f.name for f in fields(kind)}
    given = {k: _value(v) for k, v in options.peft_config if k in known}
    for key, field in INPUTS.items():
        value = _field(options, field)
        if key in known and value is not None:
            given.setdefault(key, value)
    if name == "ADAPTION_PROMPT":
        given.pop("target_modules")  # the rows name what PEFT takes by itself
    return kind(task_type="CAUSAL_LM", **given)


def _field(options: TrainableOptions, name: str) -> Any:
    value = getattr(options, name)
    return [TARGETS.get(x, x) for x in value] if isinstance(value, tuple) else value


def _value(published: str | int | float | bool) -> Any:
    """A configuration within a configuration was published as JSON text."""
    if isinstance(published, str) and published[:1] in ("{", "["):
        return json.loads(published)
    return published
