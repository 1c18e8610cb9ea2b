"""A model's published `config.json`, made again from the table of shapes, for tools that read one from the network."""

from __future__ import annotations

from functools import cache
from typing import Any

from planner.assets import asset
from planner.facts.json_file import read_object

SIZES = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "max_position_embeddings", "tie_word_embeddings",
)  # fmt: skip


@cache
def entry(model_key: str) -> dict[str, Any]:
    """One model of the table, by its id."""
    models = read_object(asset("models.json"), "catalogue.file")["models"]
    found: dict[str, Any] = next(m for m in models if m["id"] == model_key)
    return found


def config(model_key: str) -> dict[str, Any]:
    """The fields that the model's own configuration has, under the names it gives them."""
    model = entry(model_key)
    given = model["build_kwargs"] or {k: model[k] for k in SIZES if model[k] is not None}
    kind = (model["config_class"] or "").removesuffix("Config").lower()
    return {
        "architectures": [model["architecture"].split()[0]],
        "model_type": kind,
        "torch_dtype": model["torch_dtype"],
        **given,
    }
