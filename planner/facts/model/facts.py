"""What the planner knows about a model: shapes and stored bytes, never weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelFacts:
    """Shapes of one model, in the field's own words (transformers' config names).

    source: embedded, folder, gguf or catalogue. path: folder with config.json and safetensors, empty when not on this disk.
    gguf: the .gguf file that such a folder can be made of, empty where there is none; its shapes are of what is made.
    family: which set of formulas applies (`dense_gated_decoder`), or `unsupported` with `unsupported_because`.
    unsupported_because: why a plan for it is not computed; its family may be known all the same, for what others measured.
    stored_dtype: of the checkpoint. stored_bytes: sum over the safetensors headers, 0 if unknown.
    params: elements, tied weights counted once. intermediate_size: of each branch of a gated feed-forward layer.

    positions: rotary, learned, alibi or relative. rotated: entries of one head that rotary embeddings turn, 0 for all.
    position_rows: of the table of learned or relative positions; positions_by_row: each row counts its own. embedding_size: 0 where it is the hidden size.
    full_attention_layers: how many look back without limit where the others have the sliding window.
    n_encoder_layers: of an encoder before the n_layers of the decoder. n_experts: in each layer that has any, which are
    all but the first n_dense_layers; experts_per_token of them read a token; expert_size: their intermediate size;
    shared_expert_size: of the one that reads every token. latent_dim: keys and values are made from so many entries;
    value_dim: of one head's values where that is not head_dim.
    """

    name: str
    source: str
    architecture: str
    family: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    tied_head: bool
    attention_bias: bool = False  # biases on q, k, v (and o where output_bias)
    output_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    max_positions: int = 0
    stored_dtype: str = "bfloat16"
    stored_bytes: int = 0
    params: int = 0
    path: str = ""
    gguf: str = ""
    has_chat_template: bool = False
    unsupported_because: str = ""
    provenance: str = ""  # where these figures come from, shown as a tool tip
    sliding_window: int = 0  # attention looks back at most this many tokens; 0: no such limit
    positions: str = "rotary"
    rotated: int = 0
    position_rows: int = 0
    positions_by_row: bool = False
    token_types: int = 0
    embedding_size: int = 0
    full_attention_layers: int = 0
    n_encoder_layers: int = 0
    n_experts: int = 0
    experts_per_token: int = 0
    expert_size: int = 0
    shared_expert_size: int = 0
    n_dense_layers: int = 0
    latent_dim: int = 0
    value_dim: int = 0
    soft_caps: bool = False  # scores and logits go through cap × tanh(x ÷ cap)
    hidden_dropout: bool = False  # of hidden states while training
    attention_dropout: bool = False
    embedding_dropout: bool = False  # of what goes into the first block
    tokenizer: str = ""  # digest of tokenizer.json and chat template: whose token counts hold for this model

    def __hash__(self) -> int:
        """Of a few fields: facts are the key of much that is remembered, and there are many of them."""
        return hash((self.name, self.family, self.n_layers, self.params, self.stored_dtype))

    @property
    def q_dim(self) -> int:
        return self.n_heads * self.head_dim

    @property
    def kv_dim(self) -> int:
        return self.n_kv_heads * self.head_dim

    @property
    def rotary_dim(self) -> int:
        """Entries of one head that rotary embeddings turn; 0 for models with other positions."""
        return (self.rotated or self.head_dim) if self.positions == "rotary" else 0

    @property
    def n_masks(self) -> int:
        """Attention masks of one batch: a model whose layers differ in their window makes both kinds."""
        return 2 if self.sliding_window and 0 < self.full_attention_layers < self.n_layers else 1
