"""What was run: all that a prediction may see of a published row, in the words of the published schema.

`None` means not applicable or not known. Sizes are bytes, lengths tokens. Neither a name (id, source, model, versions)
nor a measured figure is here; those are in `label`. Every class is frozen and hashable, so that work done for a
description can be kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Dtype: TypeAlias = Literal["float32", "bfloat16", "float16"]
Target: TypeAlias = Literal[
    "q_proj", "k_proj", "v_proj", "qkv_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head", "embed_tokens",
    "input_layernorm", "post_attention_layernorm", "final_norm", "self_attn",
]  # fmt: skip
Trainable: TypeAlias = Literal[
    "none", "full", "lora", "dora", "adalora", "ia3", "prefix", "prompt", "ptuning", "vera", "llama_adapter",
    "llama_adapter_v2", "adamss", "adaption_prompt", "beft", "boft", "c3a", "deft", "delora", "fourierft", "frod",
    "glora", "gralora", "hira", "lily", "ln_tuning", "loha", "lokr", "miss", "oft", "osf", "peanut", "psoft", "pvera",
    "randlora", "road", "shira", "tinylora", "trainable_tokens", "unilora", "vblora", "waveft",
]  # fmt: skip
Variant: TypeAlias = Literal[
    "lora_fa", "mica", "rslora", "bdlora", "deft_relu", "deft_para", "glora_vector_paths", "miss", "miss_bat",
    "miss_mini", "psoft_lowrank_svd", "tinylora_weight_tying", "road_2",
]  # fmt: skip
Storage: TypeAlias = Literal[
    "float32", "bfloat16", "float16", "int8", "int8_weight_only", "nf4", "fp4", "gptq4", "gptq8", "awq4", "fp8",
    "unknown",
]  # fmt: skip
Metric: TypeAlias = Literal[
    "allocated", "active", "reserved", "process", "device_used", "torch_unspecified", "sum_allocated_over_gpus",
    "sum_unknown_over_gpus", "capacity", "unknown",
]  # fmt: skip
Logits: TypeAlias = Literal[
    "all_positions_fp32", "all_positions_model_dtype", "last_position", "chunked", "fused", "sequence_classification",
    "unknown",
]  # fmt: skip


@dataclass(frozen=True)
class TrainableOptions:
    """peft_config: the remaining keys of the published adapter configuration, by name; see `extra`."""

    rank: int | None
    alpha: float | None
    dropout: float | None
    target_modules: tuple[Target, ...] | None
    fused_qkv: bool | None
    variant: Variant | None
    trains_a: bool | None
    trains_b: bool | None
    init_rank: int | None
    virtual_tokens: int | None
    adapter_start_layer: int | None
    adapter_layers: int | None
    block_size: int | None
    n_frequency: int | None
    encoder_hidden_size: int | None
    encoder_layers: int | None
    token_indices: tuple[int, ...] | None
    active_blocks: int | None
    total_blocks: int | None
    peft_config: tuple[tuple[str, str | int | float | bool], ...] = ()

    def extra(self, key: str) -> str | int | float | bool | None:
        """One of the remaining keys, None where the configuration does not give it."""
        return dict(self.peft_config).get(key)


@dataclass(frozen=True)
class Weights:
    storage: Storage
    block_size: int | None
    double_quant: bool | None
    quantised_modules: Literal["decoder_linears", "all_linears_and_lm_head", "linears_with_lora"] | None
    unquantised_modules: (
        tuple[Literal["embed_tokens", "lm_head", "norms", "biases", "linears_without_lora"], ...] | None
    )
    unquantised_dtype: Dtype | None
    head_untied_copy: bool | None


@dataclass(frozen=True)
class Optimizer:
    """implementation: `none` where nothing is kept beside the weights; paged: states may leave the device."""

    name: Literal[
        "adamw", "adam", "sgd", "lomo", "mezo", "badam", "galore_adamw", "q_galore_adamw", "lora_fa_adamw"
    ]  # fmt: skip
    state_dtype: Literal["float32", "bfloat16", "float16", "int8", "param"] | None
    implementation: Literal["foreach", "fused", "for_loop", "bitsandbytes", "deepspeed_fused", "none", "unknown"]
    in_backward: bool
    paged: bool
    master_weights_dtype: Literal["float32"] | None


@dataclass(frozen=True)
class Sharding:
    kind: Literal[
        "none", "ddp", "fsdp_full", "fsdp_hybrid", "zero1", "zero2", "zero3", "tensor", "pipeline",
        "layers_over_devices", "combined",
    ]  # fmt: skip
    n_gpus: int
    cpu_offload: bool
    data_parallel: int | None
    tensor_parallel: int | None
    pipeline_parallel: int | None
    context_parallel: int | None


@dataclass(frozen=True)
class Component:
    """One operator measured alone. passes: `full` is forward and backward (the schema's key is `pass`)."""

    op: Literal[
        "cross_entropy", "fused_linear_cross_entropy", "rms_norm", "swiglu", "tiled_swiglu", "geglu", "rope",
        "grpo_logprob_forward",
    ]  # fmt: skip
    provider: Literal["huggingface", "liger", "liger_tiled", "trl"]
    batch: int | None
    seq_len: int | None
    tokens: int | None
    hidden_size: int | None
    intermediate_size: int | None
    vocab_size: int | None
    shards: int | None
    dtype: Literal["float32", "bfloat16"]
    passes: Literal["full", "forward"]


@dataclass(frozen=True)
class Row:
    """One run. model_key: the shapes' name in the table of models, to look them up and for nothing else."""

    model_key: str | None
    task: Literal["train", "infer", "load", "capacity", "component", "context"]
    trainable: Trainable
    trainable_options: TrainableOptions | None
    extra_trained: tuple[Literal["embeddings", "lm_head", "norms", "linear_scales_and_biases"], ...]
    extra_trained_copies: bool | None
    extra_trained_dtype: Dtype | None
    trainable_params: int | None
    weights: Weights | None
    compute_dtype: Literal["float32", "bfloat16", "float16", "fp8", "mxfp8", "nvfp4"] | None
    autocast: bool | None
    activation_dtype: Dtype | None
    adapter_dtype: Dtype | None
    optimizer: Optimizer | None
    gradient_dtype: Literal["float32", "bfloat16", "float16", "param"] | None
    micro_batch: int | None
    grad_accumulation: int | None
    seq_len: int | None
    seq_len_kind: Literal["exact", "longest_known", "longest_inferred", "cap_only"] | None
    padded: bool | None
    new_tokens: int | None
    kv_cache_dtype: Literal["float32", "bfloat16", "float16", "int8"] | None
    logits: Logits | None
    logits_chunk_tokens: int | None
    logits_chunk_count: int | None
    checkpointing: Literal["none", "full", "selective", "unknown"] | None
    checkpointing_reentrant: bool | None
    activation_offload: bool | None
    attention: Literal["eager", "sdpa_flash", "sdpa_efficient", "flash2", "flex_or_masked_sdpa", "unknown"]
    repeats_kv: bool | None
    use_cache: bool | None
    keeps_outputs: bool | None
    compile: bool | None
    sharding: Sharding
    gpu: str | None
    card_bytes: int | None
    metric: Metric
    context_included: bool | None
    includes_load_peak: bool | None
    component: Component | None
