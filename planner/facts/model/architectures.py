"""How each known class reads config.json, with the defaults its config class takes (transformers 5.23), and its formulas.

An architecture `runs` only when its class builds exactly the tensors that its family lists and its blocks have been
counted against real steps; tests hold both. The others' formulas serve for measurements of others, and a plan for such
a model says why it is not computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DENSE = "dense_gated_decoder"
UNSUPPORTED = "unsupported"
ONE_KERNEL_GELU = ("gelu", "gelu_pytorch_tanh")


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one class reads config.json. The defaults apply when the key is absent from the file.

    family: of its formulas. runs: whether plans for it are computed and run. variants: (key, value, family) where a key
    with that value means another family. demands: values, of which a key must have one if it is there, or the formulas
    do not hold; None stands for null. names: keys whose class calls a size differently.
    equal_heads: each head has a key and a value of its own and its share of the hidden size, whatever the keys say.
    kv_heads: 0 means as many as heads; null_kv_heads: whether null, which means that too, is taken. multi_query: all
    heads share one, whatever the key says, unless a variant is meant. head_dim: 0 means hidden_size // heads. qkv_bias:
    "always", "config" (the key attention_bias) or "never"; output_bias follows attention_bias where `output_bias` is
    set, or "always". window_always: the key sliding_window holds for all layers and without use_sliding_window, and has
    `window` as its default; window_pattern: every so many-th layer looks back without limit. intermediate_times: of the
    hidden size, where the key is absent; intermediate_parts: 2 where the key counts both branches of a gate. rotary_share:
    the key, and its default, of the share of a head that is rotated. experts: keys of how many, their size, and of the
    one for every token; the last one times n_shared_experts where there is such a key. dropouts: keys of the rates for
    hidden states and for attention, and the default of both; embedding_dropout: key and default of the rate for what
    goes into the first block.
    """

    family: str = DENSE
    runs: bool = False
    variants: tuple[tuple[str, Any, str], ...] = ()
    demands: Mapping[str, tuple[Any, ...]] = field(default_factory=lambda: {"hidden_act": ("silu",)})
    names: Mapping[str, str] = field(default_factory=dict)
    equal_heads: bool = False
    kv_heads: int = 0
    null_kv_heads: bool = True
    multi_query: bool = False
    head_dim: int = 0
    qkv_bias: str = "never"
    output_bias: bool | str = False
    mlp_bias: bool | str = False
    qk_norm: bool = False
    tied: bool = False
    hidden_multiple_of_heads: bool = False
    window_always: bool = False
    window: int = 0
    window_pattern: int = 0
    intermediate_times: int = 0
    intermediate_parts: int = 1
    positions: str = "rotary"
    more_position_rows: int = 0
    rotary_share: tuple[str, float] = ("", 1.0)
    experts: tuple[str, str, str] = ("", "", "")
    dropouts: tuple[str, str, float] = ("", "", 0.0)
    embedding_dropout: tuple[str, float] = ("", 0.0)


LAYER_NORMED = {"qkv_bias": "always", "output_bias": "always", "mlp_bias": "always", "hidden_multiple_of_heads": True,
                "equal_heads": True}  # fmt: skip
GPT2_NAMES = {"hidden_size": "n_embd", "num_hidden_layers": "n_layer", "num_attention_heads": "n_head",
              "max_position_embeddings": "n_positions", "intermediate_size": "n_inner"}  # fmt: skip
T5_NAMES = {"hidden_size": "d_model", "intermediate_size": "d_ff", "num_hidden_layers": "num_decoder_layers",
            "num_attention_heads": "num_heads", "head_dim": "d_kv"}  # fmt: skip
BERT = {**LAYER_NORMED, "demands": {"hidden_act": ("gelu",), "is_decoder": (False,)}, "positions": "learned",
        "dropouts": ("hidden_dropout_prob", "attention_probs_dropout_prob", 0.1)}  # fmt: skip
GEMMA = {"demands": {"hidden_act": ONE_KERNEL_GELU, "hidden_activation": (None, *ONE_KERNEL_GELU)}, "head_dim": 256, "null_kv_heads": False,
         "qkv_bias": "config", "output_bias": True, "tied": True}  # fmt: skip

ARCHITECTURES: Mapping[str, Architecture] = {
    "LlamaForCausalLM": Architecture(
        runs=True, qkv_bias="config", output_bias=True, mlp_bias=True, hidden_multiple_of_heads=True
    ),
    "MistralForCausalLM": Architecture(runs=True, kv_heads=8, null_kv_heads=False, window_always=True, window=4096),
    "Qwen2ForCausalLM": Architecture(runs=True, kv_heads=32, qkv_bias="always"),
    "Qwen3ForCausalLM": Architecture(
        runs=True, kv_heads=32, head_dim=128, qkv_bias="config", output_bias=True, qk_norm=True
    ),
    # every fourth layer leaves the rotary positions out: it keeps as much, and makes no more
    "SmolLM3ForCausalLM": Architecture(
        runs=True, kv_heads=4, qkv_bias="config", output_bias=True, mlp_bias=True, tied=True,
    ),
    "QWenLMHeadModel": Architecture("qwen", qkv_bias="always", intermediate_parts=2),
    "GemmaForCausalLM": Architecture("gemma", runs=True, kv_heads=16, **GEMMA),  # type: ignore[arg-type]
    "Gemma2ForCausalLM": Architecture("gemma2", kv_heads=4, window_always=True, window=4096, window_pattern=2, **GEMMA),  # type: ignore[arg-type]
    "Gemma3ForCausalLM": Architecture(
        "gemma3", runs=True, kv_heads=4, qk_norm=True, window_always=True, window=4096, window_pattern=6, **GEMMA  # type: ignore[arg-type]
    ),
    "Phi3ForCausalLM": Architecture("phi3", runs=True, window_always=True, rotary_share=("partial_rotary_factor", 1.0)),
    "PhiForCausalLM": Architecture(
        "phi", runs=True, demands={"hidden_act": ("gelu_new",), "qk_layernorm": (False,), "embd_pdrop": (0.0, 0)}, qkv_bias="always",
        dropouts=("resid_pdrop", "attention_dropout", 0.0),
        output_bias="always", mlp_bias="always", rotary_share=("partial_rotary_factor", 0.5),
    ),
    "GPTNeoXForCausalLM": Architecture(
        "gpt_neox", runs=True,
        demands={"hidden_act": ONE_KERNEL_GELU, "use_parallel_residual": (True,), "attention_bias": (True,), "hidden_dropout": (0.0, 0)},
        rotary_share=("rotary_pct", 0.25), dropouts=("hidden_dropout", "attention_dropout", 0.0), **LAYER_NORMED,  # type: ignore[arg-type]
    ),
    "FalconForCausalLM": Architecture(
        "falcon", variants=(("new_decoder_architecture", True, "falcon_new"),), multi_query=True, tied=True,
        names={"num_key_value_heads": "num_kv_heads", "intermediate_size": "ffn_hidden_size"}, intermediate_times=4,
        demands={"activation": ("gelu",), "alibi": (False, None), "bias": (False, None), "multi_query": (True, None),
                 "parallel_attn": (True, None), "num_ln_in_parallel_attn": (None, 2)},
        dropouts=("hidden_dropout", "", 0.0), hidden_multiple_of_heads=True,
    ),
    "GPT2LMHeadModel": Architecture(
        "gpt2", runs=True, names=GPT2_NAMES, intermediate_times=4, positions="learned", tied=True,
        demands={"activation_function": ("gelu_new",), "reorder_and_upcast_attn": (False,), "add_cross_attention": (False,)},
        dropouts=("resid_pdrop", "attn_pdrop", 0.1), embedding_dropout=("embd_pdrop", 0.1), **LAYER_NORMED,  # type: ignore[arg-type]
    ),
    "OPTForCausalLM": Architecture(
        "opt", runs=True, variants=(("do_layer_norm_before", False, "opt_norm_after"),), names={"intermediate_size": "ffn_dim"},
        demands={"activation_function": ("relu",), "enable_bias": (True,), "layer_norm_elementwise_affine": (True,),
                 "_remove_final_layer_norm": (False,), "layerdrop": (0.0, 0)},
        positions="learned", more_position_rows=2, tied=True, dropouts=("dropout", "attention_dropout", 0.1),
        **LAYER_NORMED,  # type: ignore[arg-type]
    ),
    "BloomForCausalLM": Architecture(
        "bloom", names={"num_hidden_layers": "n_layer", "num_attention_heads": "n_head"}, intermediate_times=4,
        demands={"apply_residual_connection_post_layernorm": (False,), "slow_but_exact": (False,)}, positions="alibi",
        tied=True, dropouts=("hidden_dropout", "attention_dropout", 0.0), **LAYER_NORMED,  # type: ignore[arg-type]
    ),
    "BertModel": Architecture("bert", **BERT),  # type: ignore[arg-type]
    "RobertaModel": Architecture("bert", **BERT),  # type: ignore[arg-type]
    "DebertaV2Model": Architecture(
        "deberta", qkv_bias="always", output_bias="always", mlp_bias="always", positions="relative",
        demands={"hidden_act": ("gelu",), "share_att_key": (True,), "norm_rel_ebd": ("layer_norm",),
                 "position_biased_input": (False,), "conv_kernel_size": (0,), "type_vocab_size": (0,), "relative_attention": (True,)},
        dropouts=("hidden_dropout_prob", "attention_probs_dropout_prob", 0.1),
    ),
    "T5ForConditionalGeneration": Architecture(
        "t5", variants=(("feed_forward_proj", "gated-gelu", "t5_gated"),), names=T5_NAMES, positions="relative", tied=True,
        demands={"feed_forward_proj": ("relu", "gated-gelu")}, dropouts=("dropout_rate", "dropout_rate", 0.1),
    ),
    "MixtralForCausalLM": Architecture(
        "mixtral", kv_heads=8, window_always=True, experts=("num_local_experts", "intermediate_size", "")
    ),
    "OlmoeForCausalLM": Architecture(
        "olmoe", qk_norm=True, demands={"hidden_act": ("silu",), "clip_qkv": (None,), "attention_bias": (False,)},
        experts=("num_experts", "intermediate_size", ""),
    ),
    "Qwen2MoeForCausalLM": Architecture(
        "qwen2_moe", kv_heads=16, qkv_bias="always",
        demands={"hidden_act": ("silu",), "decoder_sparse_step": (1,), "mlp_only_layers": (None, [])},
        experts=("num_experts", "moe_intermediate_size", "shared_expert_intermediate_size"),
    ),
    "Qwen3MoeForCausalLM": Architecture(
        "qwen3_moe", names={"num_experts": "num_local_experts"}, kv_heads=4, qk_norm=True, experts=("num_experts", "moe_intermediate_size", ""),
        demands={"hidden_act": ("silu",), "decoder_sparse_step": (1,), "mlp_only_layers": (None, []), "attention_bias": (False,)},
    ),
    "GptOssForCausalLM": Architecture(
        "gpt_oss", kv_heads=8, head_dim=64, qkv_bias="always", output_bias="always", window_always=True, window=128,
        window_pattern=2, experts=("num_local_experts", "intermediate_size", ""),
    ),
    "DeepseekV2ForCausalLM": Architecture(
        "deepseek", demands={"hidden_act": ("silu",), "q_lora_rank": (None,), "attention_bias": (False,)},
        experts=("n_routed_experts", "moe_intermediate_size", "moe_intermediate_size"),
    ),
}  # fmt: skip

SUPPORTED = {name: architecture for name, architecture in ARCHITECTURES.items() if architecture.runs}

# What sets the well-known others apart: a person who reads "cannot tell" should learn why.
DIFFERENCES = {
    "Gemma2ForCausalLM": "it has four norms per layer, soft-capped logits and alternating attention windows",
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
    "LlamaModel": "it is the body without its language-model head",
    "MistralModel": "it is the body without its language-model head",
    "Qwen2Model": "it is the body without its language-model head",
    "Qwen3Model": "it is the body without its language-model head",
    "QWenLMHeadModel": "it comes with program code of its own",
}


def unsupported_because(architecture: str) -> str:
    """The sentence shown with "cannot tell" for an architecture outside `SUPPORTED`."""
    known = ", ".join(name.removesuffix("ForCausalLM").removesuffix("LMHeadModel") for name in SUPPORTED)
    because = DIFFERENCES.get(architecture)
    told = f"{architecture} cannot be planned and run yet" + (f": {because}" if because else "")
    return f"{told}. Models of these families are: {known}."
