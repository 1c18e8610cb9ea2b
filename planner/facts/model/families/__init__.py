"""Which sets of formulas there are, and the model's blocks by one of them."""

from __future__ import annotations

from planner.draft import Stack
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import dense_gated_decoder

FAMILIES = {dense_gated_decoder.NAME: dense_gated_decoder.stack}


def stacks_of(facts: ModelFacts) -> tuple[Stack, ...]:
    """The stacks of a model whose family is known; empty for any other."""
    build = FAMILIES.get(facts.family)
    return (build(facts),) if build else ()
