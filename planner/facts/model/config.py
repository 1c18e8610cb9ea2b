"""From config.json to `ModelFacts`. Every size is a stranger's claim: type, sign and range are checked first.

A config that is damaged or hostile raises a `Problem`. One that is sound but outside the formulas becomes facts of
family `unsupported`, with the reason in a sentence: planning then says "cannot tell", it does not stop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.facts.model.architectures import DENSE, SUPPORTED, UNSUPPORTED, Architecture, unsupported_because
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
    because = _why_not(config, architecture)
    known = SUPPORTED.get(architecture, Architecture())
    # An unsupported model need not have these sizes at all; what it has must still be sane.
    need = not because
    size = _Sizes(config, name, need)
    hidden, heads = size("hidden_size"), size("num_attention_heads")
    kv_heads = size("num_key_value_heads", absent=known.kv_heads or heads, null=heads if known.null_kv_heads else None)
    head_dim = size("head_dim", absent=known.head_dim or _quotient(hidden, heads), null=_quotient(hidden, heads))
    if need:
        _check_heads(known, name, hidden, heads, kv_heads, head_dim)
    bias = _flag(config, "attention_bias", name)
    facts = ModelFacts(
        name=name,
        source=source,
        architecture=architecture,
        family=UNSUPPORTED if because else DENSE,
        vocab_size=size("vocab_size"),
        hidden_size=hidden,
        intermediate_size=size("intermediate_size"),
        n_layers=size("num_hidden_layers"),
        n_heads=heads,
        n_kv_heads=kv_heads,
        head_dim=head_dim,
        tied_head=_flag(config, "tie_word_embeddings", name),
        attention_bias=known.qkv_bias == "always" or (known.qkv_bias == "config" and bias),
        output_bias=known.output_bias and bias,
        mlp_bias=known.mlp_bias and _flag(config, "mlp_bias", name),
        qk_norm=known.qk_norm,
        max_positions=size("max_position_embeddings", absent=0, null=0),
        sliding_window=size("sliding_window", absent=known.window, null=0) if known.window_always else 0,
        stored_dtype=_dtype(config),
        path=path,
        unsupported_because=because,
        provenance=provenance,
    )
    return facts if because else replace(facts, params=expected_params(facts))


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
    act = config.get("hidden_act", "silu")
    if act != "silu":
        return f"Its activation is {str(act)[:40]}, and what that keeps for the backward pass is not computed yet."
    if config.get("attention_dropout"):
        return "It drops attention weights at random (attention_dropout), and what that keeps is not computed yet."
    kinds = config.get("layer_types")
    slides = not SUPPORTED[architecture].window_always and config.get("use_sliding_window") is True
    if slides or (isinstance(kinds, list) and any(k != "full_attention" for k in kinds)):
        return "Some of its layers attend to a window only, and that is not computed yet."
    return ""


class _Sizes:
    """Reads whole numbers out of one config, each within its limit."""

    def __init__(self, config: dict[str, Any], name: str, need: bool) -> None:
        self.config, self.name, self.need = config, name, need

    def __call__(self, key: str, *, absent: int | None = None, null: int | None = None) -> int:
        if key not in self.config and absent is not None:
            return absent
        value = self.config.get(key)
        if value is None and null is not None:
            return null
        if value is None and not self.need:
            return 0
        if type(value) is not int or not 0 < value <= LIMITS[key]:
            shown = "missing" if value is None else repr(value)[:40]
            raise fail(
                "model.size_out_of_range",
                f"In the config.json of {self.name}, {key} is {shown}.",
                f"It must be a whole number from 1 to {LIMITS[key]:,}.",
            )
        return value


def _quotient(hidden: int, heads: int) -> int:
    return hidden // heads if heads else 0


def _check_heads(known: Architecture, name: str, hidden: int, heads: int, kv_heads: int, head_dim: int) -> None:
    said = ""
    if heads % kv_heads:
        said = f"{heads} heads cannot share {kv_heads} key–value heads evenly"
    elif head_dim < 1 or head_dim % 2:
        said = f"a head of {head_dim} values cannot be rotated in pairs"
    elif known.hidden_multiple_of_heads and hidden % heads:
        said = f"a hidden size of {hidden} is not a multiple of {heads} heads"
    if said:
        raise fail(
            "model.size_out_of_range", f"The sizes in the config.json of {name} contradict each other: {said}.",
            "Fetch the file again from where the model was published.",
        )  # fmt: skip


def _flag(config: dict[str, Any], key: str, name: str) -> bool:
    value = config.get(key)
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
