"""A small decoder that is trained whole, as a draft, and sums over lines: what tests of training share."""

from __future__ import annotations

from dataclasses import replace

from planner.draft import Draft, Loop, Stack
from planner.facts.data import BatchShape
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.ledger import Kind, Line
from planner.schedule import Schedule
from planner.techniques.attention_sdpa import attend

FACTS = ModelFacts("t", "catalogue", "LlamaForCausalLM", "dense_gated_decoder", 4096, 256, 512, 8, 4, 2, 64, False)
TRAINED = tuple(
    replace(s, tensors=tuple(replace(x, bits=16, trained=x.role != "buffer") for x in s.tensors))
    for s in stacks_of(FACTS)
)
ELEMENTS = sum(x.elements for x in TRAINED[0].tensors if x.trained)


def draft(stacks: tuple[Stack, ...] = TRAINED, recompute: bool = False, loop: Loop | None = None) -> Draft:
    return Draft(
        FACTS,
        Schedule(),
        BatchShape(2, 128, False),
        "cuda",
        0,
        stacks,
        compute_bits=16,
        attend=attend,
        recompute=recompute,
        loop=loop or Loop(),
    )


def of_kind(lines: tuple[Line, ...], kind: Kind, *places: object) -> int:
    return sum(x.bytes for x in lines if x.kind is kind and (not places or x.place in places))
