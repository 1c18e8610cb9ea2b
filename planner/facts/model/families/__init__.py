"""Which sets of formulas there are: for each family its stack of tensors and its block of operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.draft import Stack
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import dense_gated_decoder
from planner.tape import Value


@dataclass(frozen=True)
class Family:
    """stack: tensors and matmuls of a model. block: what one of its blocks does, on the tape."""

    stack: Callable[[ModelFacts], Stack]
    block: Callable[..., Value]


FAMILIES: dict[str, Family] = {
    dense_gated_decoder.NAME: Family(dense_gated_decoder.stack, dense_gated_decoder.block),
}


def stacks_of(facts: ModelFacts) -> tuple[Stack, ...]:
    """The stacks of a model whose family is known; empty for any other."""
    family = FAMILIES.get(facts.family)
    return (family.stack(facts),) if family else ()
