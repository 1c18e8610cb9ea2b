"""How GGUF calls kinds of models, their sizes and their tensors, and which class and names they have in transformers.

Tables from transformers 5.23 (integrations/ggml.py, modeling_gguf_pytorch_utils.py) and gguf-py 0.19.0
(gguf/tensor_mapping.py), no more of them than the reader needs. Nothing is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planner.facts.model.facts import ModelFacts
from planner.facts.model.gguf_header import GgufHeader
from planner.facts.model.safetensors_header import TensorHeader
from planner.facts.model.shapes import expected

SIZES = {
    "context_length": "max_position_embeddings",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "embedding_length": "hidden_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.sliding_window": "sliding_window",
    "vocab_size": "vocab_size",
}
"""transformers 5.23, integrations/ggml.py, GGUF_CONFIG_MAPPING."""


@dataclass(frozen=True, slots=True)
class GgufClass:
    """Which class a GGUF architecture becomes. head_dim: the setting that holds a head's size. converted: whether
    transformers 5.23 reads it from GGUF (GGUF_SUPPORTED_ARCHITECTURES); ignored: settings that its mapping leaves out."""

    name: str
    head_dim: str = ""
    converted: bool = True
    ignored: tuple[str, ...] = ()


KEY = "attention.key_length"
CLASSES: Mapping[str, GgufClass] = {
    "llama": GgufClass("LlamaForCausalLM", "rope.dimension_count", ignored=("sliding_window",)),
    "qwen2": GgufClass("Qwen2ForCausalLM", ignored=("sliding_window",)),
    "qwen3": GgufClass("Qwen3ForCausalLM", KEY, ignored=("sliding_window",)),
    "phi3": GgufClass("Phi3ForCausalLM", ignored=("sliding_window",)),
    "gemma": GgufClass("GemmaForCausalLM", KEY, converted=False),
    "gemma2": GgufClass("Gemma2ForCausalLM", KEY),
    "gemma3": GgufClass("Gemma3ForCausalLM", KEY),
    "smollm3": GgufClass("SmolLM3ForCausalLM", converted=False),
    "qwen2moe": GgufClass("Qwen2MoeForCausalLM"),
    "qwen3moe": GgufClass("Qwen3MoeForCausalLM", KEY),
    "gpt-oss": GgufClass("GptOssForCausalLM"),
    "deepseek2": GgufClass("DeepseekV2ForCausalLM", converted=False),
    "falcon": GgufClass("FalconForCausalLM"),
    "bloom": GgufClass("BloomForCausalLM"),
    "gpt2": GgufClass("GPT2LMHeadModel"),
    "gptneox": GgufClass("GPTNeoXForCausalLM", converted=False),
    "phi2": GgufClass("PhiForCausalLM", converted=False),
    "bert": GgufClass("BertModel", converted=False),
    "t5": GgufClass("T5ForConditionalGeneration"),
}
MIXTURE = "MixtralForCausalLM"  # llama.cpp calls it llama, too

BLOCK_NAMES = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    **{f"self_attn.{x}_proj": f"attn_{x}" for x in ("q", "k", "v", "qkv")}, "self_attn.o_proj": "attn_output",
    **{f"self_attn.{x}_norm": f"attn_{x}_norm" for x in ("q", "k")},
    **{f"mlp.{x}_proj": f"ffn_{x}" for x in ("gate", "up", "down")}, "mlp.gate_up_proj": "ffn_up",
}  # fmt: skip
FOUR_NORMS = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
              "post_feedforward_layernorm": "post_ffw_norm"}  # fmt: skip
TOP_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
"""gguf-py 0.19.0, gguf/tensor_mapping.py."""
COMPUTED = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")  # a class makes them itself


def config_of(header: GgufHeader, kind: str, tensors: Mapping[str, TensorHeader]) -> dict[str, Any]:
    """The config.json that the conversion writes, as far as sizes go."""
    known = CLASSES.get(kind)
    mixture = kind == "llama" and whole(header, f"{kind}.expert_count") > 0
    config: dict[str, Any] = {
        "architectures": [MIXTURE if mixture else known.name if known else _as_class(kind)],
        "dtype": "bfloat16",
        "tie_word_embeddings": "output.weight" not in tensors,
        "vocab_size": header.count("tokenizer.ggml.tokens"),
    }
    for setting, key in SIZES.items():
        value = header.settings.get(f"{kind}.{setting}")
        if type(value) is int and not (
            known and key in known.ignored
        ):  # a list, one for each layer, is told by its name
            config[key] = value
    if known and known.head_dim and (size := header.settings.get(f"{kind}.{known.head_dim}")) is not None:
        config["head_dim"] = size
    return config


def _as_class(kind: str) -> str:
    """A name that says what the file calls its kind, and that no class has."""
    return f"gguf_{re.sub('[^A-Za-z0-9]+', '_', kind)[:60]}"


def whole(header: GgufHeader, key: str) -> int:
    found = header.settings.get(key, 0)
    return found if type(found) is int else 0


def wanted(facts: ModelFacts) -> dict[str, tuple[int, ...]]:
    """The tensors the file should hold by its own names, with shapes; empty where the class's names are not known."""
    found = {}
    four = facts.family in ("gemma2", "gemma3")
    for name, shape in expected(facts).items():
        stem, _, end = name.rpartition(".")
        if stem in TOP_NAMES:
            found[f"{TOP_NAMES[stem]}.{end}"] = shape
            continue
        block = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", stem)
        own = (FOUR_NORMS if four else {}).get(block[2]) or BLOCK_NAMES.get(block[2]) if block else None
        if block is None or own is None:
            return {}
        found[f"blk.{block[1]}.{own}.{end}"] = shape
    return found
