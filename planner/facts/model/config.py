"""From config.json to `ModelFacts`. Every size is a stranger's claim: type, sign and range are checked first.

A config that is damaged or hostile raises a `Problem`. One that is sound but outside the formulas becomes facts of
family `unsupported`, with the reason in a sentence: planning then says "cannot tell", it does not stop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.facts.model.architectures import ARCHITECTURES, SUPPORTED, UNSUPPORTED, Architecture, unsupported_because
from planner.facts.model.facts import ModelFacts
from planner.facts.model.shapes import expected_params
from planner.problem import fail

# Far above any model known, low enough that products stay ordinary integers.
LIMITS = {
    "vocab_size": 2**26,
    "hidden_size": 2**20,
    "intermediate_size": 2**22,
    "num_hidden_layers": 2**14,
    "num_attention_heads": 2**16,
    "num_key_value_heads": 2**16,
    "head_dim": 2**16,
    "max_position_embeddings": 2**31,
    "sliding_window": 2**31,
}
SIZE_LIMIT = 2**22  # of sizes that only some classes have
DTYPES = ("float32", "float16", "bfloat16", "float64")


def facts_from_config(
    config: dict[str, Any], *, name: str, source: str, path: str = "", provenance: str = ""
) -> ModelFacts:
    """The facts of one config. Raises ProblemError `model.remote_code`, `model.size_out_of_range`, `model.no_architecture`."""
    if config.get("auto_map"):
        raise fail(
            "model.remote_code",
            f"{name} needs program code that comes with it (auto_map in its config.json).",
            "Such code is never run here. Choose a model of a class that transformers has itself.",
        )
    architecture = _architecture(config, name)
    known = ARCHITECTURES.get(architecture)
    because = _why_not(config, architecture)
    # An unsupported model need not have these sizes at all; what it has must still be sane.
    facts = _facts(config, known or Architecture(""), _Sizes(config, name, not because, known), name, architecture)
    outside = "" if known is None else _outside(config, known)
    if known is None or outside:
        because = because or outside
    counted_only = "" if known is None or because else _counted_only(config, known)
    facts = replace(
        facts,
        family=UNSUPPORTED if known is None or outside or (because and known.runs) else _family(config, known),
        source=source,
        path=path,
        provenance=provenance,
        unsupported_because=because or counted_only,
    )
    return replace(facts, params=expected_params(facts))


def _facts(config: dict[str, Any], known: Architecture, size: _Sizes, name: str, architecture: str) -> ModelFacts:
    """All sizes and switches, as the class would read them."""
    hidden, heads = size("hidden_size"), size("num_attention_heads")
    kv_heads = size("num_key_value_heads", absent=known.kv_heads or heads, null=heads if known.null_kv_heads else None)
    if known.equal_heads:
        kv_heads = heads
    if known.multi_query and _family(config, known) == known.family:
        kv_heads = 1
    head_dim = size("head_dim", absent=known.head_dim or _quotient(hidden, heads), null=_quotient(hidden, heads))
    if known.equal_heads:
        head_dim = _quotient(hidden, heads)
    n_layers, bias = size("num_hidden_layers"), _flag(config, "attention_bias", name)
    times = known.intermediate_times * hidden or None
    learned = known.positions == "learned"
    positions = size("max_position_embeddings", absent=None if learned else 0, null=None if learned else 0)
    facts = ModelFacts(
        name=name,
        source="",
        architecture=architecture,
        family=UNSUPPORTED,
        vocab_size=size("vocab_size"),
        hidden_size=hidden,
        intermediate_size=size("intermediate_size", absent=times, null=times) // known.intermediate_parts,
        n_layers=n_layers,
        n_heads=heads,
        n_kv_heads=kv_heads,
        head_dim=head_dim,
        tied_head=_flag(config, "tie_word_embeddings", name, absent=known.tied),
        attention_bias=known.qkv_bias == "always" or (known.qkv_bias == "config" and bias),
        output_bias=known.output_bias == "always" or (bool(known.output_bias) and bias),
        mlp_bias=known.mlp_bias == "always" or (bool(known.mlp_bias) and _flag(config, "mlp_bias", name)),
        qk_norm=known.qk_norm,
        max_positions=positions,
        sliding_window=size("sliding_window", absent=known.window, null=0) if known.window_always else 0,
        full_attention_layers=n_layers // known.window_pattern if known.window_pattern else 0,
        stored_dtype=_dtype(config),
        positions=known.positions,
        position_rows=positions + known.more_position_rows if known.positions == "learned" else 0,
        positions_by_row=known.more_position_rows > 0,
        embedding_size=size("word_embed_proj_dim", absent=0, null=0),
        rotated=_rotated(config, known, head_dim),
        hidden_dropout=_rate(config, known.dropouts[0], known.dropouts[2]) > 0,
        attention_dropout=_rate(config, known.dropouts[1], known.dropouts[2]) > 0,
        embedding_dropout=_rate(config, *known.embedding_dropout) > 0,
    )
    facts = _special(config, known, size, facts)
    if size.need:
        _check_heads(known, name, facts)
    return facts


def _special(config: dict[str, Any], known: Architecture, size: _Sizes, facts: ModelFacts) -> ModelFacts:
    """Experts, an encoder, relative positions, latent keys and values: sizes that only some classes have."""
    count, own, common = known.experts
    if count:
        shared = (
            size(common, absent=0, null=0) * (size("n_shared_experts", absent=1, null=1) if common == own else 1)
            if common
            else 0
        )
        facts = replace(
            facts,
            n_experts=size(count),
            experts_per_token=size("num_experts_per_tok"),
            expert_size=size(own),
            shared_expert_size=shared,
            n_dense_layers=min(size("first_k_dense_replace", absent=0, null=0), facts.n_layers),
        )
    if known.family == "gemma2":
        facts = replace(facts, soft_caps=config.get("attn_logit_softcapping", 50.0) is not None)
    if known.family == "bert":
        facts = replace(facts, token_types=size("type_vocab_size", absent=2))
    if known.family == "t5":
        rows = size("relative_attention_num_buckets", absent=32)
        facts = replace(facts, n_encoder_layers=size("num_layers", absent=facts.n_layers), position_rows=rows)
    if known.family == "deberta":  # that many buckets each way
        facts = replace(facts, position_rows=2 * size("position_buckets", absent=facts.max_positions))
    if known.family == "deepseek":
        rotated, plain = size("qk_rope_head_dim"), size("qk_nope_head_dim")
        facts = replace(
            facts,
            rotated=rotated,
            head_dim=rotated + plain,
            n_kv_heads=facts.n_heads,
            latent_dim=size("kv_lora_rank"),
            value_dim=size("v_head_dim"),
        )
    return facts


def _family(config: dict[str, Any], known: Architecture) -> str:
    """The family of formulas: the class's own, or that of the variant that the config asks for."""
    return next((family for key, value, family in known.variants if config.get(key) == value), known.family)


def _rotated(config: dict[str, Any], known: Architecture, head_dim: int) -> int:
    """Entries of a head that are rotated; 0 for all of them."""
    key, share = known.rotary_share
    if not key:
        return 0
    within = config.get("rope_parameters")
    for place in (config, within if isinstance(within, dict) else {}):
        said = place.get(key, place.get("partial_rotary_factor"))
        if isinstance(said, (int, float)) and not isinstance(said, bool) and 0 < said <= 1:
            share = said
    rotated = int(head_dim * share)
    return 0 if rotated == head_dim else rotated


def _rate(config: dict[str, Any], key: str, absent: float) -> float:
    said = config.get(key, absent) if key else 0.0
    return float(said) if isinstance(said, (int, float)) and not isinstance(said, bool) else 0.0


def _outside(config: dict[str, Any], known: Architecture) -> str:
    """Which of the values that the formulas of its class hold for the config does not have."""
    for key, values in known.demands.items():
        if key in config and config[key] not in values:
            if key in ("hidden_act", "hidden_activation", "activation", "activation_function"):
                return f"Its activation is {str(config[key])[:40]}, and what that keeps for the backward pass is not computed yet."
            return f"Its {key} is {str(config[key])[:40]}, and what that changes is not computed yet."
    return ""


def _architecture(config: dict[str, Any], name: str) -> str:
    named = config.get("architectures")
    if isinstance(named, list) and named and isinstance(named[0], str) and named[0].isidentifier():
        return named[0][:80]
    raise fail(
        "model.no_architecture",
        f"The config.json of {name} does not name an architecture.",
        'Choose a folder made by save_pretrained, or add the key architectures, such as ["LlamaForCausalLM"].',
    )


def _why_not(config: dict[str, Any], architecture: str) -> str:
    """Why the formulas do not cover this model; empty when they do."""
    if isinstance(config.get("text_config"), dict):
        return (
            f"{architecture} joins several models (it has a text_config), and only single language models are computed."
        )
    if architecture not in SUPPORTED:
        return unsupported_because(architecture)
    if config.get("quantization_config"):
        return "Its weights are stored quantised, and training on such weights is not computed yet."
    if outside := _outside(config, SUPPORTED[architecture]):
        return outside
    if config.get("attention_dropout") and not SUPPORTED[architecture].dropouts[1]:
        return "It drops attention weights at random (attention_dropout), and what that keeps is not computed yet."
    kinds = config.get("layer_types")
    known = SUPPORTED[architecture]
    slides = not known.window_always and config.get("use_sliding_window") is True
    if slides or (isinstance(kinds, list) and not known.window_pattern and any(k != "full_attention" for k in kinds)):
        return "Some of its layers attend to a window only, and that is not computed yet."
    return ""


def _counted_only(config: dict[str, Any], known: Architecture) -> str:
    """Why a model whose formulas hold is not planned and run all the same; empty for most."""
    if _rate(config, known.dropouts[1], known.dropouts[2]) and not known.embedding_dropout[0]:
        return "It drops attention weights at random, and runs that do are not computed yet."
    if _family(config, known) != known.family:
        return "Its blocks are of an older kind than those that are planned and run."
    if config.get("word_embed_proj_dim", config.get("hidden_size")) not in (None, config.get("hidden_size")):
        return "Its embedding is narrower than its blocks, and runs of such models are not computed yet."
    return ""


class _Sizes:
    """Reads whole numbers out of one config, each within its limit."""

    def __init__(self, config: dict[str, Any], name: str, need: bool, known: Architecture | None) -> None:
        self.config, self.name, self.need, self.names = config, name, need, known.names if known else {}

    def __call__(self, key: str, *, absent: int | None = None, null: int | None = None) -> int:
        limit = LIMITS.get(key, SIZE_LIMIT)
        if self.names.get(key) in self.config:
            key = self.names[key]
        if key not in self.config and absent is not None:
            return absent
        value = self.config.get(key)
        if value is None and null is not None:
            return null
        if value is None and not self.need:
            return 0
        if type(value) is not int or not 0 < value <= limit:
            shown = "missing" if value is None else repr(value)[:40]
            raise fail(
                "model.size_out_of_range",
                f"In the config.json of {self.name}, {key} is {shown}.",
                f"It must be a whole number from 1 to {limit:,}.",
            )
        return value


def _quotient(hidden: int, heads: int) -> int:
    return hidden // heads if heads else 0


def _check_heads(known: Architecture, name: str, facts: ModelFacts) -> None:
    said, turned = "", facts.rotary_dim
    if facts.n_heads % facts.n_kv_heads:
        said = f"{facts.n_heads} heads cannot share {facts.n_kv_heads} key–value heads evenly"
    elif facts.head_dim < 1 or turned % 2:
        said = f"a head of {facts.head_dim} values cannot be rotated in pairs"
    elif known.hidden_multiple_of_heads and facts.hidden_size % facts.n_heads:
        said = f"a hidden size of {facts.hidden_size} is not a multiple of {facts.n_heads} heads"
    if said:
        raise fail(
            "model.size_out_of_range", f"The sizes in the config.json of {name} contradict each other: {said}.",
            "Fetch the file again from where the model was published.",
        )  # fmt: skip


def _flag(config: dict[str, Any], key: str, name: str, absent: bool = False) -> bool:
    value = config.get(key, absent)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise fail(
        "model.size_out_of_range", f"In the config.json of {name}, {key} is {value!r:.40}.", "It must be true or false."
    )


def _dtype(config: dict[str, Any]) -> str:
    """dtype of the checkpoint: `dtype` since transformers 5, `torch_dtype` before; float32 where neither is said."""
    said = config.get("dtype", config.get("torch_dtype"))
    said = said.removeprefix("torch.") if isinstance(said, str) else ""
    return said if said in DTYPES else "float32"
