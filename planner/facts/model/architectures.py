"""Which architectures the formulas cover, with the defaults their config classes take (transformers 5.23).

An architecture belongs to `dense_gated_decoder` only if its class builds exactly q, k, v, o, gate, up and down per
layer, two RMS norms, a final norm, an embedding and a head. A test builds each on the meta device and compares.
"""

from __future__ import annotations

from dataclasses import dataclass

DENSE = "dense_gated_decoder"
UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one class reads config.json. The defaults apply when the key is absent from the file.

    kv_heads: 0 means as many as heads; null_kv_heads: whether null, which means that too, is taken. head_dim: 0 means hidden_size // heads. qkv_bias: "always", "config" (the key
    attention_bias) or "never"; output_bias follows attention_bias where `output_bias` is set. window_always: the key
    sliding_window holds for all layers and without use_sliding_window, and has `window` as its default.
    """

    kv_heads: int = 0
    null_kv_heads: bool = True
    head_dim: int = 0
    qkv_bias: str = "never"
    output_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    hidden_multiple_of_heads: bool = False
    window_always: bool = False
    window: int = 0


SUPPORTED = {
    "LlamaForCausalLM": Architecture(qkv_bias="config", output_bias=True, mlp_bias=True, hidden_multiple_of_heads=True),
    "MistralForCausalLM": Architecture(kv_heads=8, null_kv_heads=False, window_always=True, window=4096),
    "Qwen2ForCausalLM": Architecture(kv_heads=32, qkv_bias="always"),
    "Qwen3ForCausalLM": Architecture(kv_heads=32, head_dim=128, qkv_bias="config", output_bias=True, qk_norm=True),
}

# What sets the well-known others apart: a person who reads "cannot tell" should learn why.
DIFFERENCES = {
    "GemmaForCausalLM": "its norms compute in float32 and its activation is GELU",
    "Gemma2ForCausalLM": "it has four norms per layer, soft-capped logits and alternating attention windows",
    "Gemma3ForCausalLM": "it has four norms per layer and alternating attention windows",
    "Phi3ForCausalLM": "its q, k, v and its gate, up are stored as fused matrices",
    "PhiForCausalLM": "its layers run attention and MLP side by side, with an MLP that has no gate",
    "GPTNeoXForCausalLM": "its q, k, v are one matrix and its MLP has no gate",
    "GPT2LMHeadModel": "it learns positions and its MLP has no gate",
    "OPTForCausalLM": "it learns positions and its MLP has no gate",
    "BloomForCausalLM": "it uses position biases and its MLP has no gate",
    "FalconForCausalLM": "its q, k, v are one matrix and its MLP has no gate",
    "T5ForConditionalGeneration": "it is an encoder–decoder",
    "BertModel": "it is an encoder without a language-model head",
    "RobertaModel": "it is an encoder without a language-model head",
    "DebertaV2Model": "it is an encoder without a language-model head",
    "MixtralForCausalLM": "it is a mixture of experts",
    "Qwen2MoeForCausalLM": "it is a mixture of experts",
    "Qwen3MoeForCausalLM": "it is a mixture of experts",
    "OlmoeForCausalLM": "it is a mixture of experts",
    "GptOssForCausalLM": "it is a mixture of experts",
    "DeepseekV2ForCausalLM": "it is a mixture of experts with compressed attention",
    "SmolLM3ForCausalLM": "some of its layers leave out the rotary positions",
    "LlamaModel": "it is the body without its language-model head",
    "MistralModel": "it is the body without its language-model head",
    "Qwen2Model": "it is the body without its language-model head",
    "Qwen3Model": "it is the body without its language-model head",
}


def unsupported_because(architecture: str) -> str:
    """The sentence shown with "cannot tell" for an architecture outside `SUPPORTED`."""
    known = ", ".join(name.removesuffix("ForCausalLM") for name in SUPPORTED)
    because = DIFFERENCES.get(architecture)
    told = f"{architecture} is not computed yet: {because}" if because else f"{architecture} is not computed yet"
    return f"{told}. Models of these families are: {known}."
