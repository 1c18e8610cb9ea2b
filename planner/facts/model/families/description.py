"""What sets one decoder apart from another, as data: which norms where, what is fused, what runs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from planner.facts.model.facts import ModelFacts


class Norm(Enum):
    """rms: LlamaRMSNorm. rms_in_float32: Gemma's, times 1 + weight before the cast back. layer: torch's LayerNorm."""

    RMS = "rms"
    RMS_IN_FLOAT32 = "rms_in_float32"
    LAYER = "layer"


class Qkv(Enum):
    """apart: three matmuls; the others are one. sliced: its result is cut by slices; split: by one split; heads_split:
    q, k, v of each head lie together and are split by head; heads_sliced: the same by slices; grouped: q by a slice, k
    and v picked; broadcast: the same, and k and v are copied for each query head.
    """

    APART = "apart"
    SLICED = "sliced"
    SPLIT = "split"
    HEADS_SPLIT = "heads_split"
    HEADS_SLICED = "heads_sliced"
    GROUPED = "grouped"
    BROADCAST = "broadcast"


@dataclass(frozen=True, slots=True)
class Decoder:
    """One kind of decoder block, and the few tensors around the blocks.

    Norms. before_attention, after_attention, before_mlp, after_mlp: their names, empty where there is none. norms_follow:
    the first and the third are applied to the sum with the residual instead (OPT-350m). embedding_norm: one after the
    embedding. final_norm: one after the last block. norm_whole: queries and keys are normed whole, not head by head.

    Order. parallel: attention and feed-forward layer read the same hidden state and are added to it together; without
    before_mlp they share one norm; adds_in_place: attention's result is added into the other's. holds_attended:
    attention's result has a name of its own to the end. inlines_mlp: the feed-forward layer is written out in the block.

    Attention. qkv: see there. rotates_in_float32: heads are widened while they are rotated. scaled_queries: as an
    operation of its own. narrow_softmax: where scores are written out, softmax is done in their own type. sinks: each
    head has one more score, a parameter.

    Feed-forward. gated: there is a gate beside up; gate_up: both are one matrix. activation: silu, gelu (any of one
    kernel), gelu_new (seven pointwise operations), bloom_gelu (a function of its own) or relu. experts: the layer is a
    mixture; its weights are the router's cast back ("narrow"), left in float32 ("wide"), or softmaxed among the chosen
    ("chosen").

    Storage. conv1d: matrices are stored d_in × d_out. head_bias: the head has one. names: where the checkpoint keeps a
    tensor, {} for the layer; what is not listed lies where Llama keeps it.
    """

    norm: Norm = Norm.RMS
    before_attention: str = "input_layernorm"
    after_attention: str = ""
    before_mlp: str = "post_attention_layernorm"
    after_mlp: str = ""
    norms_follow: bool = False
    holds_attended: bool = False
    parallel: bool = False
    adds_in_place: bool = False
    qkv: Qkv = Qkv.APART
    gated: bool = True
    gate_up: bool = False
    activation: str = "silu"
    rotates_in_float32: bool = False
    scaled_queries: bool = False
    narrow_softmax: bool = False
    conv1d: bool = False
    embedding_norm: bool = False
    final_norm: bool = True
    head_bias: bool = False
    inlines_mlp: bool = False
    experts: str = ""
    sinks: bool = False
    norm_whole: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def norm_sizes(self, facts: ModelFacts) -> tuple[tuple[str, int], ...]:
        """Names and sizes of a block's norms."""
        h = facts.hidden_size
        named = (self.before_attention, self.before_mlp, self.after_attention, self.after_mlp)
        sizes = [(name, h) for name in named if name]
        if facts.qk_norm:
            whole = self.norm_whole
            sizes += [
                ("q_norm", facts.q_dim if whole else facts.head_dim),
                ("k_norm", facts.kv_dim if whole else facts.head_dim),
            ]
        return tuple(sizes)
