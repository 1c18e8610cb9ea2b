"""Random plans over small shapes of every family that runs: a config.json each, no weights."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.facts.data import DataFacts
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.config import facts_from_config
from planner.facts.model.facts import ModelFacts
from planner.plan import Choice, Plan, Stage
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques import registry
from planner.units import GIB
from tests.small_run import choose, small_machine

COMMON: dict[str, Any] = {
    "vocab_size": 2311, "hidden_size": 96, "intermediate_size": 232, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 24, "max_position_embeddings": 2048, "bos_token_id": 1, "eos_token_id": 2,
    "pad_token_id": 0,
}  # fmt: skip
EQUAL: dict[str, Any] = {"num_key_value_heads": None, "head_dim": None}
GPT2: dict[str, Any] = {
    **EQUAL, "n_embd": 96, "n_layer": 2, "n_head": 4, "hidden_size": None, "num_hidden_layers": None,
    "num_attention_heads": None, "intermediate_size": None,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {"model_type": "llama", "tie_word_embeddings": True},
    "llama, head apart": {"model_type": "llama", "tie_word_embeddings": False},
    "mistral": {"model_type": "mistral", "sliding_window": 96},
    "qwen 2": {"model_type": "qwen2"},
    "qwen 3": {"model_type": "qwen3"},
    "gemma": {"model_type": "gemma"},
    "gemma 3": {"model_type": "gemma3_text"},
    "smollm 3": {"model_type": "smollm3", "num_hidden_layers": 4},
    "phi": {**EQUAL, "model_type": "phi", "num_key_value_heads": 4, "tie_word_embeddings": False},
    "phi 3": {"model_type": "phi3", "tie_word_embeddings": False},
    "opt": {**EQUAL, "model_type": "opt", "intermediate_size": None, "ffn_dim": 232, "word_embed_proj_dim": 96},
    "gpt-2": {**GPT2, "model_type": "gpt2", "attn_pdrop": 0.0},
    "gpt-neox": {**EQUAL, "model_type": "gpt_neox", "tie_word_embeddings": False},
}


def shape(name: str, folder: Path) -> ModelFacts:
    """The facts of one small shape, with its config.json in a folder of its own."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    made = AutoConfig.for_model(**{k: v for k, v in {**COMMON, **SHAPES[name]}.items() if v is not None})
    made.architectures = [MODEL_FOR_CAUSAL_LM_MAPPING[type(made)].__name__]
    folder.mkdir(parents=True, exist_ok=True)
    made.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return facts_from_config(config, name=name, source="folder", path=str(folder))


def machine_with_card() -> MachineFacts:
    """A CPU and a card with room."""
    machine = small_machine()
    card = Device("cuda:0", "cuda", "NVIDIA GeForce RTX 4090", 24 * GIB, 23 * GIB)
    return replace(machine, devices=(*machine.devices, card))


def plan_of(
    model: ModelFacts, *choices: Choice, rows: int = 2, length: int = 96, padded: bool = False, **schedule: Any
) -> Plan:
    """A plan whose every batch is `rows` × `length`, all but the first row of a padded one a token shorter."""
    made = Schedule(**{"micro_batch": rows, "max_length": length, "max_steps": 2, "shuffle": False, **schedule})
    n = rows * made.grad_accumulation * 2
    lengths = tuple(length - (1 if padded and i % rows else 0) for i in range(n))
    data = DataFacts("drawn", "", "messages", n, 0, "drawn", lengths, "counted")
    stage = Stage(tuple(registry.default_choice(slot) for slot in registry.slots()), made)
    for choice in choices:
        stage = stage.with_choice(choice)
    return Plan("drawn", model, data, machine_with_card(), (stage,))


def drawn_plan(number: int, folder: Path) -> Plan:
    """The plan of this number: each family in turn, everything else drawn; every third one evaluates."""
    draw = random.Random(number)
    name = list(SHAPES)[number % len(SHAPES)]
    rows = draw.choice([1, 2, 3])
    choices = [
        choose(Slot.WEIGHTS, draw.choice(["bf16", "bf16", "fp32"])),
        choose(Slot.ACTIVATION, draw.choice(["keep_all", "checkpointing"])),
        choose(Slot.LOSS, draw.choice(["full_logits", "fused_tiles"])),
        choose(Slot.ATTENTION, draw.choice(["sdpa", "sdpa", "eager"])),
        choose(Slot.OPTIMIZER, "adamw", implementation=draw.choice(["fused", "foreach", "for_loop"])),
        choose(Slot.PLACEMENT, "one_device", device=draw.choice(["cpu", "cuda:0"])),
        choose(Slot.TRAINABLE, "full"),
    ]
    if draw.random() < 0.5:
        kind = draw.choice(["float32", "same as weights"])
        dropped = draw.choice([0.0, 0.0, 0.05])
        choices[-1] = choose(Slot.TRAINABLE, "lora", rank=draw.choice([4, 8, 16]), dropout=dropped, adapter_dtype=kind)
    made = plan_of(
        shape(name, folder / str(number % len(SHAPES))),
        *choices,
        rows=rows,
        length=draw.choice([64, 90, 120, 168, 200]),
        padded=rows > 1 and draw.random() < 0.5,
        grad_accumulation=draw.choice([1, 1, 1, 2]),
    )
    if number % 3:
        return made
    return made.with_schedule(replace(made.stage.schedule, eval_fraction=0.5, eval_batch=5))
