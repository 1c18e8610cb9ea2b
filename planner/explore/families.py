"""Which models are sizes of one family: Llama-3, Qwen2.5, SmolLM2, gemma-2, pythia, …; from their ids alone.

It says nothing of how a model computes: that is `ModelFacts.family`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from planner.facts.model import catalogue
from planner.facts.model.facts import ModelFacts

# 8B, 0.5B, 135M, 1_8B, 7b1, 8x7B; or a word of size
SIZE = re.compile(
    r"[-_](\d+x)?\d+([._]\d+)?[bm](\d+)?(?![a-z\d])|[-_](tiny|mini|small|base|medium|large|xl|xxl)(?![a-z\d])", re.I
)
BEFORE = re.compile(r"^meta-(?=llama)", re.I)
MINOR = re.compile(r"(-\d+)\.\d+$")


def family_of(model_id: str) -> str:
    """The family's name: what stands before the size. `meta-llama/Llama-3.1-8B` → `Llama-3`.

    A version after a dash counts by its first number, so Llama-3.1 and 3.2 are one; Qwen2.5's is a part of its name. A
    model without a size in its id is a family of its own, and may be the plain one of others (`gpt2` of `gpt2-large`).
    """
    name = BEFORE.sub("", model_id.rstrip("/").rsplit("/", 1)[-1])
    size = SIZE.search(name)
    return MINOR.sub(r"\1", name[: size.start()] if size and size.start() else name)


@cache
def families() -> Mapping[str, tuple[str, ...]]:
    """(family → ids of the catalogue, smallest first) of those that can be planned, by name."""
    found: dict[str, list[ModelFacts]] = {}
    names: dict[str, str] = {}  # phi-4 and Phi-4 are one
    for model in map(catalogue.find, catalogue.names()):
        if not model.unsupported_because:
            family = family_of(model.name)
            found.setdefault(names.setdefault(family.casefold(), family), []).append(model)
    return MappingProxyType({f: _by_size(found[f]) for f in sorted(found, key=str.casefold)})


def _by_size(models: list[ModelFacts]) -> tuple[str, ...]:
    return tuple(m.name for m in sorted(models, key=lambda m: m.params))


def known_family(name: str) -> str:
    """The family of the catalogue that a family's or a model's name means; empty for none.

    A derived model belongs to what it was made from: `Qwen2.5-Coder-7B` to Qwen2.5.
    """
    wanted = family_of(name).casefold()
    by_folded = {f.casefold(): f for f in families()}
    while wanted and wanted not in by_folded:
        wanted = wanted.rpartition("-")[0]
    return by_folded.get(wanted, "")
