"""The runs that are timed: what each changes of the example's plan, and the small models and long rows they are made with.

A row is longer than every length here, so each batch of a cell has the same shape in every step; the cells on the real
sample have rows as they come.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import NamedTuple

EXAMPLE = "embedded"
LONG, REAL = "long rows", "sample"
ROWS, WORDS_A_ROW = 240, 1600
STEPS = 7  # the first two are not counted: kernels are made for a shape, then the optimizer makes its states


class Shape(NamedTuple):
    """Of a model with random weights."""

    n_layers: int
    hidden_size: int
    intermediate_size: int
    n_heads: int
    n_kv_heads: int
    vocab_size: int
    tied_head: bool = True


class Cell(NamedTuple):
    """changes: as `--set` has them. model: the example or one of `SHAPES`. steps: in all."""

    changes: tuple[str, ...]
    model: str = EXAMPLE
    rows: str = LONG
    steps: int = STEPS


SHAPES = {
    "wide": Shape(4, 1024, 2816, 16, 4, 4096),
    "deep": Shape(24, 256, 704, 8, 4, 2048),
    "narrow": Shape(6, 128, 352, 4, 2, 1024),
    "untied": Shape(8, 512, 1408, 8, 8, 32000, tied_head=False),
}


def _shape(batch: int, length: int, *more: str) -> tuple[str, ...]:
    return (f"schedule.micro_batch={batch}", f"schedule.max_length={length}", *more)


CELLS: dict[str, Cell] = {
    "LoRA, bf16, 4 × 128": Cell(_shape(4, 128)),
    "LoRA, fp32, 2 × 128": Cell(_shape(2, 128, "weights=fp32")),
    "full, bf16, 2 × 256": Cell(_shape(2, 256, "trainable=full")),
    "full, fp32, 2 × 128": Cell(_shape(2, 128, "weights=fp32", "trainable=full")),
    "LoRA, bf16, 1 × 64": Cell(_shape(1, 64), steps=9),
    "LoRA, bf16, 2 × 512": Cell(_shape(2, 512)),
    "LoRA, bf16, eager, 2 × 384": Cell(_shape(2, 384, "attention=eager")),
    "LoRA, bf16, checkpointing, 4 × 192": Cell(_shape(4, 192, "activation=checkpointing")),
    "LoRA, bf16, tiles, 2 × 128": Cell(_shape(2, 128, "loss=fused_tiles")),
    "full, fp32, tiles, checkpointing, 1 × 128": Cell(
        _shape(1, 128, "weights=fp32", "trainable=full", "loss=fused_tiles", "activation=checkpointing")
    ),
    "LoRA rank 64 as weights, bf16, 4 × 128": Cell(
        _shape(4, 128, "trainable.rank=64", "trainable.adapter_dtype=same as weights")
    ),
    "LoRA rank 4 on q and v, bf16, 4 × 128": Cell(
        _shape(4, 128, "trainable.rank=4", "trainable.target_modules=q_proj,v_proj")
    ),
    "full, bf16, AdamW foreach, 1 × 128": Cell(_shape(1, 128, "trainable=full", "optimizer.implementation=foreach")),
    "full, bf16, AdamW for loop, accumulation 4, 1 × 128": Cell(
        _shape(1, 128, "trainable=full", "optimizer.implementation=for_loop", "schedule.grad_accumulation=4"), steps=5
    ),
    "full, fp32, accumulation 2, 2 × 96": Cell(
        _shape(2, 96, "weights=fp32", "trainable=full", "schedule.grad_accumulation=2"), steps=5
    ),
    "LoRA, NF4, 2 × 128": Cell(_shape(2, 128, "weights=nf4")),
    "wide, full, bf16, 4 × 256": Cell(_shape(4, 256, "trainable=full"), "wide"),
    "wide, LoRA, fp32, 4 × 256": Cell(_shape(4, 256, "weights=fp32"), "wide"),
    "deep, LoRA, bf16, 8 × 128": Cell(_shape(8, 128), "deep", steps=10),
    "deep, full, fp32, 4 × 512": Cell(_shape(4, 512, "weights=fp32", "trainable=full"), "deep"),
    "narrow, full, fp32, 8 × 256": Cell(_shape(8, 256, "weights=fp32", "trainable=full"), "narrow", steps=16),
    "narrow, LoRA, bf16, 1 × 64": Cell(_shape(1, 64), "narrow", steps=24),
    "untied, full, fp32, tiles, 4 × 128": Cell(
        _shape(4, 128, "weights=fp32", "trainable=full", "loss=fused_tiles"), "untied"
    ),
    "untied, LoRA, bf16, eager, 4 × 512": Cell(_shape(4, 512, "attention=eager"), "untied"),
    "real rows, LoRA, bf16, batch 4": Cell(("schedule.micro_batch=4",), rows=REAL, steps=12),
    "real rows, full, fp32, batch 2": Cell(
        ("schedule.micro_batch=2", "weights=fp32", "trainable=full"), rows=REAL, steps=10
    ),
    "narrow, full, bf16, 2 × 64": Cell(_shape(2, 64, "trainable=full"), "narrow", steps=24),
    "deep, LoRA, fp32, 1 × 64": Cell(_shape(1, 64, "weights=fp32"), "deep", steps=16),
    "deep, LoRA, bf16, checkpointing, 1 × 128": Cell(_shape(1, 128, "activation=checkpointing"), "deep", steps=12),
}


def model_at(folder: Path, name: str) -> Path:
    """The folder of a model with random weights, made where it is not there yet."""
    from tests.tiny_model import make_tiny_model

    where = folder / "models" / name
    if not (where / "model.safetensors").is_file():
        make_tiny_model(where, **SHAPES[name]._asdict())
    return where


def long_rows(folder: Path) -> Path:
    """Rows longer than any cell's length, always the same."""
    from tests.tiny_model import WORDS

    file = folder / "long.jsonl"
    if not file.is_file():
        draw = random.Random(5)
        rows = (" ".join(draw.choices(WORDS, k=WORDS_A_ROW)) for _ in range(ROWS))
        turns = ([{"role": "user", "content": "Go on."}, {"role": "assistant", "content": text}] for text in rows)
        file.write_text("".join(json.dumps({"messages": each}) + "\n" for each in turns), encoding="utf-8")
    return file
