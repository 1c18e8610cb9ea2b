"""The decoders there are formulas for, each as what sets it apart from Llama."""

from __future__ import annotations

from planner.facts.model.families.description import Decoder, Norm, Qkv

SIDE_NORMS = {"before_mlp": "pre_feedforward_layernorm", "after_attention": "post_attention_layernorm",
              "after_mlp": "post_feedforward_layernorm"}  # fmt: skip

DECODERS: dict[str, Decoder] = {
    "dense_gated_decoder": Decoder(),
    "gemma": Decoder(norm=Norm.RMS_IN_FLOAT32, activation="gelu"),
    "gemma2": Decoder(norm=Norm.RMS_IN_FLOAT32, activation="gelu", **SIDE_NORMS),  # type: ignore[arg-type]
    "gemma3": Decoder(norm=Norm.RMS_IN_FLOAT32, activation="gelu", **SIDE_NORMS),  # type: ignore[arg-type]
    "phi3": Decoder(qkv=Qkv.SLICED, gate_up=True),
    "phi": Decoder(
        norm=Norm.LAYER, before_mlp="", parallel=True, gated=False, activation="gelu_new", head_bias=True,
        names={"o_proj": "model.layers.{}.self_attn.dense", "up_proj": "model.layers.{}.mlp.fc1",
               "down_proj": "model.layers.{}.mlp.fc2", "norm": "model.final_layernorm"},
    ),
    "gpt_neox": Decoder(
        norm=Norm.LAYER, parallel=True, qkv=Qkv.HEADS_SPLIT, gated=False, activation="gelu",
        names={
            "embed_tokens": "gpt_neox.embed_in", "norm": "gpt_neox.final_layer_norm", "lm_head": "embed_out",
            "input_layernorm": "gpt_neox.layers.{}.input_layernorm",
            "post_attention_layernorm": "gpt_neox.layers.{}.post_attention_layernorm",
            "qkv_proj": "gpt_neox.layers.{}.attention.query_key_value", "o_proj": "gpt_neox.layers.{}.attention.dense",
            "up_proj": "gpt_neox.layers.{}.mlp.dense_h_to_4h", "down_proj": "gpt_neox.layers.{}.mlp.dense_4h_to_h",
        },
    ),
    "falcon": Decoder(
        norm=Norm.LAYER, before_mlp="", parallel=True, adds_in_place=True, qkv=Qkv.GROUPED, gated=False, activation="gelu",
        names={
            "embed_tokens": "transformer.word_embeddings", "norm": "transformer.ln_f",
            "input_layernorm": "transformer.h.{}.input_layernorm",
            "qkv_proj": "transformer.h.{}.self_attention.query_key_value",
            "o_proj": "transformer.h.{}.self_attention.dense",
            "up_proj": "transformer.h.{}.mlp.dense_h_to_4h", "down_proj": "transformer.h.{}.mlp.dense_4h_to_h",
        },
    ),
    "falcon_new": Decoder(
        norm=Norm.LAYER, before_attention="ln_attn", before_mlp="ln_mlp", parallel=True, adds_in_place=True, qkv=Qkv.BROADCAST, gated=False,
        activation="gelu",
        names={
            "embed_tokens": "transformer.word_embeddings", "norm": "transformer.ln_f",
            "ln_attn": "transformer.h.{}.ln_attn", "ln_mlp": "transformer.h.{}.ln_mlp",
            "qkv_proj": "transformer.h.{}.self_attention.query_key_value",
            "o_proj": "transformer.h.{}.self_attention.dense",
            "up_proj": "transformer.h.{}.mlp.dense_h_to_4h", "down_proj": "transformer.h.{}.mlp.dense_4h_to_h",
        },
    ),
    "gpt2": Decoder(
        norm=Norm.LAYER, before_attention="ln_1", before_mlp="ln_2", qkv=Qkv.SPLIT, gated=False,
        activation="gelu_new", conv1d=True, holds_attended=True, narrow_softmax=True,
        names={
            "embed_tokens": "transformer.wte", "embed_positions": "transformer.wpe", "norm": "transformer.ln_f",
            "ln_1": "transformer.h.{}.ln_1", "ln_2": "transformer.h.{}.ln_2",
            "qkv_proj": "transformer.h.{}.attn.c_attn", "o_proj": "transformer.h.{}.attn.c_proj",
            "up_proj": "transformer.h.{}.mlp.c_fc", "down_proj": "transformer.h.{}.mlp.c_proj",
        },
    ),
    "opt": Decoder(
        norm=Norm.LAYER, before_attention="self_attn_layer_norm", before_mlp="final_layer_norm", gated=False,
        activation="relu", scaled_queries=True, inlines_mlp=True,
        names={
            "embed_tokens": "model.decoder.embed_tokens", "embed_positions": "model.decoder.embed_positions",
            "norm": "model.decoder.final_layer_norm", "q_proj": "model.decoder.layers.{}.self_attn.q_proj",
            "k_proj": "model.decoder.layers.{}.self_attn.k_proj", "v_proj": "model.decoder.layers.{}.self_attn.v_proj",
            "o_proj": "model.decoder.layers.{}.self_attn.out_proj", "up_proj": "model.decoder.layers.{}.fc1",
            "down_proj": "model.decoder.layers.{}.fc2",
            "self_attn_layer_norm": "model.decoder.layers.{}.self_attn_layer_norm",
            "final_layer_norm": "model.decoder.layers.{}.final_layer_norm",
        },
    ),
    "opt_norm_after": Decoder(
        norm=Norm.LAYER, before_attention="self_attn_layer_norm", before_mlp="final_layer_norm", norms_follow=True,
        gated=False, activation="relu", scaled_queries=True, inlines_mlp=True, final_norm=False,
    ),
    "bloom": Decoder(
        norm=Norm.LAYER, qkv=Qkv.HEADS_SLICED, gated=False, activation="bloom_gelu", embedding_norm=True,
        names={
            "embed_tokens": "transformer.word_embeddings", "embedding_norm": "transformer.word_embeddings_layernorm",
            "norm": "transformer.ln_f", "input_layernorm": "transformer.h.{}.input_layernorm",
            "post_attention_layernorm": "transformer.h.{}.post_attention_layernorm",
            "qkv_proj": "transformer.h.{}.self_attention.query_key_value",
            "o_proj": "transformer.h.{}.self_attention.dense",
            "up_proj": "transformer.h.{}.mlp.dense_h_to_4h", "down_proj": "transformer.h.{}.mlp.dense_4h_to_h",
        },
    ),
    "qwen": Decoder(qkv=Qkv.SPLIT, rotates_in_float32=True),
    "mixtral": Decoder(experts="wide"),
    "olmoe": Decoder(experts="narrow", norm_whole=True),
    "qwen2_moe": Decoder(experts="narrow"),
    "qwen3_moe": Decoder(experts="narrow"),
    "gpt_oss": Decoder(norm=Norm.RMS_IN_FLOAT32, experts="chosen", sinks=True, narrow_softmax=True),
}  # fmt: skip
