"""What the planner knows about a model: shapes and stored bytes, never weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelFacts:
    """Shapes of one model, in the field's own words (transformers' config names).

    source: embedded, folder or catalogue. path: folder with config.json and safetensors, empty when not on this disk.
    family: which set of formulas applies (`dense_gated_decoder`), or `unsupported` with `unsupported_because`.
    stored_dtype: of the checkpoint. stored_bytes: sum over the safetensors headers, 0 if unknown.
    params: elements, tied weights counted once.
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
    has_chat_template: bool = False
    unsupported_because: str = ""
    provenance: str = ""  # where these figures come from, shown as a tool tip
    sliding_window: int = 0  # attention looks back at most this many tokens; 0: no such limit
    tokenizer: str = ""  # digest of tokenizer.json and chat template: whose token counts hold for this model

    @property
    def q_dim(self) -> int:
        return self.n_heads * self.head_dim

    @property
    def kv_dim(self) -> int:
        return self.n_kv_heads * self.head_dim

    @property
    def rotary_dim(self) -> int:
        """Entries of one head that rotary embeddings turn; 0 for models with other positions."""
        return self.head_dim
