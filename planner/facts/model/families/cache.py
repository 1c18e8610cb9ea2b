"""How much of its keys and values a model keeps while it writes: layers with a window keep no more than that."""

from __future__ import annotations

from planner.facts.model.facts import ModelFacts
from planner.units import Num, maximum


def cached_positions(facts: ModelFacts, tokens: Num) -> Num:
    """Positions of one row that are cached, added up over all layers of the decoder."""
    if not facts.sliding_window:
        return facts.n_layers * tokens
    whole = facts.full_attention_layers
    # the smaller of the two, in a way that holds for arrays too
    within = tokens + facts.sliding_window - maximum(tokens, facts.sliding_window)
    return whole * tokens + (facts.n_layers - whole) * within


def cached_heads(facts: ModelFacts) -> int:
    """Key and value heads of one layer that are cached: Falcon's newer blocks cache one for each query head."""
    return facts.n_heads if facts.family == "falcon_new" else facts.n_kv_heads


def cached_elements(facts: ModelFacts, tokens: Num) -> Num:
    """Elements of keys and values together, for one row of so many tokens; latent vectors where both are made of them."""
    each = facts.latent_dim + facts.rotary_dim if facts.latent_dim else 2 * cached_heads(facts) * facts.head_dim
    return each * cached_positions(facts, tokens)
