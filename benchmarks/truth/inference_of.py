"""A row that writes text: which habits of a generation loop its fields tell."""

from __future__ import annotations

from benchmarks.truth.row import Row
from benchmarks.truth.weights_of import ties_again
from planner.draft import Draft
from planner.inference import TIMELINE, Writing, inference_lines
from planner.ledger import At, Line
from planner.units import BYTES_PER_ELEMENT
from planner.weights.loaded import LOADED

ROTARY_POSITIONS = 32_768
"""Positions of the rotary tables that old modelling code makes for every layer at loading: `max_position_embeddings` of
the Instruct models' configs (modeling_qwen2.py of transformers 4.38, Qwen2RotaryEmbedding). The catalogue's figure is
the base model's, 131,072."""

INT8_SCALE_BITS = 32
"""Of a head's vector in an int8 cache: a 16-bit scale and zero (modeling_qwen.py, quantize_cache_v)."""


def lines(row: Row, draft: Draft) -> tuple[tuple[At, ...], tuple[Line, ...]]:
    """The instants that the counter saw, and what is alive at them."""
    seen = tuple(at for at in TIMELINE if row.includes_load_peak or at is not LOADED)
    return seen, inference_lines(draft, writing(row, draft.facts.max_positions))


def writing(row: Row, positions: int = 0) -> Writing:
    """The loop's habits, as the fields tell them. positions: that the model was made for, 0 where that is not known.

    Logits of all positions mean modelling code from before transformers 4.45, whose caches are tuples of keys and
    values, made anew at each token while the older ones are held. In float32 they mean transformers' own code of that
    time, with rotary tables in every layer. Keys and values that are not repeated for their query heads are read where
    they lie: an engine with a cache laid out beforehand, which reads prompts in pieces. An attention kernel with a mask
    though no row is padded reads a cache that is longer than what is written: it was laid out beforehand as well.
    """
    old = ties_again(row)
    in_place = row.repeats_kv is False
    laid_out = in_place or (row.attention == "sdpa_efficient" and not row.padded)
    every = row.logits in ("all_positions_fp32", "all_positions_model_dtype")
    bits = 8 * BYTES_PER_ELEMENT.get(row.kv_cache_dtype or row.compute_dtype or "", 2)
    return Writing(
        new_tokens=row.new_tokens or 0,
        cache_bits=bits,
        scale_bits=INT8_SCALE_BITS if row.kv_cache_dtype == "int8" else 0,
        laid_out=laid_out,
        twice=every and not laid_out,
        in_pieces=in_place,
        all_logits=every,
        wide_logits=row.logits == "all_positions_fp32",
        rotary_positions=min(positions or ROTARY_POSITIONS, ROTARY_POSITIONS) if old else 0,
    )
