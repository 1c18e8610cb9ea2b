"""Rows that nobody published: published ones with a few fields changed to other values that the schema allows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from benchmarks.truth.row import Optimizer, Row, Sharding, TrainableOptions, Weights
from planner.facts.model import catalogue
from planner.strict_json import parse
from tests.benchmarks.one_row import raw_row

DEV = Path(__file__).resolve().parents[3] / "shared" / "data" / "measured" / "rows_dev.jsonl"
GROUPS: dict[str, type] = {
    "trainable_options": TrainableOptions,
    "weights": Weights,
    "optimizer": Optimizer,
    "sharding": Sharding,
}
CARDS = ("Tesla T4", "NVIDIA L40S", "Tesla P100-PCIE-16GB", "AMD Instinct MI250X", "Apple M2", None)
COUNTS = {
    "seq_len": (1, 2, 63, 64, 685, 2048, 131_072),
    "micro_batch": (1, 2, 7, 256),
    "grad_accumulation": (1, 2, 64),
    "new_tokens": (1, 2048),
    "card_bytes": (1, 15_636_365_312, 85_899_345_920),
    "logits_chunk_tokens": (1, 128, 100_000),
    "adapter_start_layer": (0, 2, 1000),
    "adapter_layers": (0, 1, 30, 1000),
    "n_gpus": (1, 2, 8, 1024),
    "block_size": (1, 64, 100, 256),
}
USUAL_COUNTS = (1, 2, 3, 8, 64, 1000)
CONFIGURED: dict[str, tuple[Any, ...]] = {
    "init_weights": (True, False, "bat", "mini", "orthogonal"),
    "use_dora": (True, False),
    "lora_bias": (True, False),
    "use_bdlora": ('{"nblocks": 4, "target_modules_bd_a": ["o_proj"], "target_modules_bd_b": ["q_proj"]}', "{}", "?"),
    "rank_pattern": ('{"q_proj": 3}', "[]"),
    "prefix_projection": (True, False),
    "encoder_reparameterization_type": ("MLP", "LSTM"),
    "config_A_B": ("LoRA", "vector", "constant", "none"),
    "decomposition_method": ("qr", "relu"),
    "para": (True, False),
    "decompose_factor": (-1, 4, 0),
    "decompose_both": (True, False),
    "oft_block_size": (0, 32, 33),
    "block_share": (True, False),
    "psoft_svd": ("full", "lowrank"),
    "variant": ("road_1", "road_2", "road_4", "else"),
    "u": (1, 64, 0),
    "mini_r": (1, 8, 0),
    "sparse_rate": (0.01, 0, 1),
    "num_subspaces": (1, 5, 0),
    "gralora_k": (2, 3, 0),
    "num_vectors": (256, 1),
    "vector_length": (256, 1, 7, 0),
    "topk": (2, 1000),
    "stride_A": (1, 3, 0),
    "num_B": (2, 0),
    "depth": (0, 2),
    "theta_d_length": (256, 1),
    "hybrid_r": (0, 4),
    "lora_dropout": (0, 0.1, 1),
}


def published_rows() -> list[dict[str, Any]]:
    """The published ones where they are at hand, and invented ones."""
    lines = DEV.read_text(encoding="utf-8").splitlines() if DEV.is_file() else []
    rows: list[dict[str, Any]] = [parse(line) for line in lines]
    full = raw_row(trainable="full", trainable_options=None)
    infer = raw_row(task="infer", trainable="none", trainable_options=None, optimizer=None, new_tokens=100)
    return [*rows, raw_row(), full, infer, infer | {"task": "load"}]


def altered(rows: list[dict[str, Any]], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Each row in turn, with one to four fields changed, `count` in all; the same for the same seed."""
    draw = random.Random(seed)
    for i in range(count):
        row = deepcopy(rows[i % len(rows)]) | {"id": f"altered-{i}"}
        for _ in range(draw.randint(1, 4)):
            _alter(row, draw)
        yield row


def _alter(row: dict[str, Any], draw: random.Random) -> None:
    name = draw.choice([*(f.name for f in fields(Row) if f.name != "component"), *GROUPS, *GROUPS])
    group = GROUPS.get(name)
    if group is None:
        row[name] = _value(name, get_type_hints(Row)[name], draw)
        return
    if row[name] is None or draw.random() < 0.1:
        hints = get_type_hints(group)
        made = {f.name: _value(f.name, hints[f.name], draw) for f in fields(group)}
        may_lack = NoneType in get_args(get_type_hints(Row)[name])
        row[name] = None if may_lack and draw.random() < 0.3 else made
        return
    inner = draw.choice([f.name for f in fields(group)])
    row[name] = row[name] | {inner: _value(inner, get_type_hints(group)[inner], draw)}


def _value(name: str, hint: Any, draw: random.Random) -> Any:
    """Any value of a field's type; of counts those at the edges and the usual ones."""
    if name == "model_key":
        return draw.choice(catalogue.names())
    if name == "gpu":
        return draw.choice(CARDS)
    if name == "peft_config":
        return {k: draw.choice(CONFIGURED[k]) for k in draw.sample(sorted(CONFIGURED), draw.randint(0, 4))}
    if get_origin(hint) in (Union, UnionType):
        kinds = get_args(hint)
        if NoneType in kinds and draw.random() < 0.25:
            return None
        hint = next(kind for kind in kinds if kind is not NoneType)
    if get_origin(hint) is Literal:
        return draw.choice(get_args(hint))
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        if inner is int:
            return draw.sample(range(1000), draw.randint(0, 3))
        every = get_args(inner)
        fewest = 1 if name == "target_modules" else 0
        return draw.sample(every, draw.randint(fewest, min(4, len(every))))
    if hint is bool:
        return draw.random() < 0.5
    if hint is float:
        return draw.choice((0.0, 0.1, 1.0))
    assert hint is int, (name, hint)
    return draw.choice(COUNTS.get(name, USUAL_COUNTS))
