"""Shapes of published models, so that a plan can be made for a model that is not on this computer.

The table is `assets/models.json`; each entry says where its figures come from. Nothing is fetched.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from planner.assets import asset
from planner.facts.json_file import read_object
from planner.facts.model.config import facts_from_config
from planner.facts.model.facts import ModelFacts
from planner.problem import fail

SIZES = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "max_position_embeddings", "sliding_window", "tie_word_embeddings",
)  # fmt: skip

MAY_BE_NULL = ("sliding_window",)


@cache
def _table() -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    raw = read_object(asset("models.json"), "catalogue.file")
    return {m["id"]: m for m in raw["models"]}, raw["aliases"]


def names() -> tuple[str, ...]:
    """Every model of the catalogue, in its order; aliases are found, but not listed."""
    return tuple(_table()[0])


def aliases() -> dict[str, str]:
    """Other names of its models, each with the model's own."""
    return _table()[1]


@cache
def find(name: str) -> ModelFacts:
    """The facts of a catalogue model by id or alias, upper and lower case alike. Raises `model.not_in_catalogue`."""
    models, aliases = _table()
    by_folded = {k.casefold(): k for k in (*models, *aliases)}
    key = by_folded.get(name.casefold())
    if key is None:
        last = name.casefold().rsplit("/", 1)[-1]
        near = [m for m in (*models, *aliases) if last and last in m.casefold()][:5]
        raise fail(
            "model.not_in_catalogue",
            f"The catalogue has no model {name!r:.80}.",
            f"Near to it: {', '.join(near)}." if near else "Choose the folder that holds the model.",
        )
    return _facts(models[aliases.get(key, key)])


def configuration(name: str) -> dict[str, Any]:
    """The config.json of a catalogue model by id, as far as the catalogue has it; empty where it lacks the model."""
    entry = _table()[0].get(name)
    return _config(entry) if entry else {}


def _config(entry: dict[str, Any]) -> dict[str, Any]:
    architecture = entry["architecture"].split()[0]
    sizes = {k: entry[k] for k in SIZES if entry[k] is not None or k in MAY_BE_NULL}
    return {"architectures": [architecture], **sizes, **(entry["build_kwargs"] or {}), "dtype": entry["torch_dtype"]}


def _facts(entry: dict[str, Any]) -> ModelFacts:
    """One entry read as the config.json it was taken from. `params` is the catalogue's own where nothing computes it."""
    config = _config(entry)
    facts = facts_from_config(config, name=entry["id"], source="catalogue", provenance=entry["source"])
    return replace(facts, params=facts.params or entry["params"])
