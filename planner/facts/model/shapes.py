"""The tensors a decoder's checkpoint holds, by name and shape, from its facts: what a header is held against."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.facts.model.families.decoders import DECODERS

LLAMA_NAMES = {
    "embed_tokens": "model.embed_tokens", "norm": "model.norm", "lm_head": "lm_head",
    **{f"{x}_proj": f"model.layers.{{}}.self_attn.{x}_proj" for x in ("q", "k", "v", "o", "qkv")},
    **{f"{x}_norm": f"model.layers.{{}}.self_attn.{x}_norm" for x in ("q", "k")},
    **{f"{x}_proj": f"model.layers.{{}}.mlp.{x}_proj" for x in ("gate", "up", "down", "gate_up")},
}  # fmt: skip
"""Where Llama keeps a tensor, {} for the layer; norms lie in the layer itself."""


def expected(facts: ModelFacts) -> dict[str, tuple[int, ...]]:
    """Every tensor of the checkpoint; tied weights once. For families of decoders without experts."""
    found = {}
    for stack in stacks_of(facts):
        for tensor in stack.tensors:
            if tensor.tied or tensor.role == "buffer":
                continue
            base, _, bias = tensor.name.partition(".")
            place = f"{_place(facts, base)}.{bias or 'weight'}"
            for layer in range(tensor.count if "{}" in place else 1):
                found[place.format(layer)] = tensor.shape
    return found


def head_and_embedding(facts: ModelFacts) -> tuple[str, str]:
    """Names of the two tensors that may be tied."""
    return f"{_place(facts, 'lm_head')}.weight", f"{_place(facts, 'embed_tokens')}.weight"


@lru_cache(maxsize=1024)
def matmuls_of(facts: ModelFacts) -> Mapping[str, str]:
    """Where each matmul of a block lies in the model, by the name it has here, {} for the layer; empty where not known."""
    if facts.family not in DECODERS:
        return {}
    return {site.weight: _place(facts, site.weight) for stack in stacks_of(facts) for site in stack.sites}


def _place(facts: ModelFacts, name: str) -> str:
    own = DECODERS[facts.family].names.get(name)
    return own or LLAMA_NAMES.get(name) or f"model.layers.{{}}.{name}"


def expected_params(facts: ModelFacts) -> int:
    """Elements of the whole model, tied weights once; 0 where its family is not known."""
    return sum(x.elements for stack in stacks_of(facts) for x in stack.tensors if not x.tied and x.role != "buffer")
