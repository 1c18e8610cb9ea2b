"""Which sets of formulas there are: for each family its stacks of tensors and its block of operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from planner.autograd.layer import Layer, Shared
from planner.autograd.tape import Value
from planner.draft import Stack
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import decoder, encoder, encoder_decoder, latent_experts
from planner.facts.model.families.decoders import DECODERS


@dataclass(frozen=True)
class Family:
    """stacks: tensors and matmuls of a model, in the order in which they run. block: what a block does, on the tape.

    norm: one of its norms by name, the final one too.
    """

    stacks: Callable[[ModelFacts], tuple[Stack, ...]]
    block: Callable[[Layer, Value, Shared], Value]
    norm: Callable[[Layer, str, Value], Value] = Layer.rms_norm


FAMILIES: dict[str, Family] = {
    **{name: Family(decoder.stacks, decoder.block, decoder.norm) for name in DECODERS},
    "bert": Family(encoder.bert_stacks, encoder.bert_block, Layer.layer_norm),
    "deberta": Family(encoder.deberta_stacks, encoder.deberta_block, Layer.layer_norm),
    "t5": Family(encoder_decoder.stacks, encoder_decoder.block, encoder_decoder.norm),
    "t5_gated": Family(encoder_decoder.stacks, encoder_decoder.block, encoder_decoder.norm),
    "deepseek": Family(latent_experts.stacks, latent_experts.block),
}


@lru_cache(maxsize=1024)
def stacks_of(facts: ModelFacts) -> tuple[Stack, ...]:
    """The stacks of a model whose family is known; empty for any other, and for sizes that cannot be."""
    family = FAMILIES.get(facts.family)
    sizes = (
        facts.vocab_size,
        facts.hidden_size,
        facts.intermediate_size,
        facts.n_layers,
        facts.n_kv_heads,
        facts.head_dim,
    )
    if family is None or min(sizes) < 1 or facts.n_heads < 1 or facts.n_heads % facts.n_kv_heads:
        return ()
    return family.stacks(facts)
