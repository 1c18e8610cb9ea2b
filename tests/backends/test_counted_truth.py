"""The ledger against counted storages: real steps of the real trainer, every moment, every line, within 2 %."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the [train] extra")

from backends.counted import compare, count, table
from planner.estimate import estimate
from planner.facts.data import DataFacts
from planner.facts.model.folder import read_folder
from planner.plan import Choice, Plan, Stage
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques import registry
from tests.small_run import choose, small_machine
from tests.tiny_model import make_tiny_model

# PEFT 0.21 still asks transformers 5.23 by an old name
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

ROWS, LENGTH = 3, 40
MOMENTS = ("forward_end", "loss", "layer_last", "layer_first", "backward_end", "update")


def counted_plan(
    model: Path, *choices: Choice, rows: int = ROWS, length: int = LENGTH, padded: bool = True, **schedule: Any
) -> tuple[Plan, list[dict[str, Any]]]:
    """A plan of three steps whose every batch is as long as the longest, and its tokens."""
    settings = {"micro_batch": rows, "max_length": length, "max_steps": 3, "threads": 1, "shuffle": False, **schedule}
    made = Schedule(**settings)
    draw = random.Random(0)
    lengths = [
        length if not padded or i % rows == 0 else length - 7
        for i in range(rows * made.grad_accumulation * made.max_steps)
    ]
    data = [{"input_ids": [draw.randrange(3, 400) for _ in range(n)]} for n in lengths]
    facts = DataFacts("drawn", "", "messages", len(data), 0, "drawn", tuple(lengths), "counted")
    stage = Stage(tuple(registry.default_choice(slot) for slot in registry.slots()), made)
    for choice in choices:
        stage = stage.with_choice(choice)
    return Plan("counted", read_folder(model), facts, small_machine(), (stage,)), data


def assert_counted_as_planned(plan: Plan, data: list[dict[str, Any]]) -> None:
    compared = list(compare(estimate(plan), count(plan, data)))
    text = "\n".join(table(iter(compared)))
    assert {row.at.moment for row in compared} == set(MOMENTS)
    assert {row.at.phase for row in compared} == {"step 1", "step 2+"}
    for row in compared:
        if row.what == "Batch" and row.at.phase == "step 2+":
            continue  # no next batch is fetched ahead in the very last step, where the fullest instant may be
        assert row.close, f"{row.at.phase}, {row.at.moment}: {row.what or 'all'}\n{text}"


MAIN = list(
    itertools.product(("bf16", "fp32"), ("full", "lora"), ("keep_all", "checkpointing"), ("full_logits", "fused_tiles"))
)


def main_choices(weights: str, trainable: str, activation: str, loss: str) -> tuple[Choice, ...]:
    return (
        choose(Slot.WEIGHTS, weights),
        choose(Slot.TRAINABLE, trainable),
        choose(Slot.ACTIVATION, activation),
        choose(Slot.LOSS, loss),
    )


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three blocks, so that there is one between the first and the last, and sizes that no two tensors share."""
    return make_tiny_model(
        tmp_path_factory.mktemp("counted") / "small", n_layers=3, hidden_size=96, intermediate_size=232, vocab_size=1031
    )


@pytest.mark.parametrize("names", MAIN, ids="-".join)
def test_every_line_equals_its_storages(small_model: Path, names: tuple[str, str, str, str]) -> None:
    assert_counted_as_planned(*counted_plan(small_model, *main_choices(*names)))


FULL = choose(Slot.TRAINABLE, "full")
OTHERS: dict[str, tuple[tuple[Choice, ...], dict[str, Any]]] = {
    "eager": ((choose(Slot.ATTENTION, "eager"),), {}),
    "eager checkpointing fp32 full": (
        (choose(Slot.ATTENTION, "eager"), choose(Slot.ACTIVATION, "checkpointing"), choose(Slot.WEIGHTS, "fp32"), FULL),
        {},
    ),
    "no padding": ((), {"padded": False}),
    "one row": ((FULL, choose(Slot.LOSS, "fused_tiles")), {"rows": 1}),
    "foreach": ((FULL, choose(Slot.OPTIMIZER, "adamw", implementation="foreach")), {}),
    "for loop": ((FULL, choose(Slot.OPTIMIZER, "adamw", implementation="for_loop")), {}),
    "for loop over adapters": ((choose(Slot.OPTIMIZER, "adamw", implementation="for_loop"),), {}),
    "accumulation": ((FULL,), {"grad_accumulation": 2}),
    "accumulation, tiles": ((FULL, choose(Slot.LOSS, "fused_tiles")), {"grad_accumulation": 2}),
    "accumulation of adapters": ((), {"grad_accumulation": 2}),
    "dropout": ((choose(Slot.TRAINABLE, "lora", dropout=0.1),), {}),
    "dropout checkpointing": (
        (choose(Slot.TRAINABLE, "lora", dropout=0.1), choose(Slot.ACTIVATION, "checkpointing")),
        {},
    ),
    "two targets": ((choose(Slot.TRAINABLE, "lora", target_modules=("q_proj", "v_proj"), rank=4),), {}),
    "an adapter wider than the model, remade": (
        (choose(Slot.TRAINABLE, "lora", rank=256), choose(Slot.ACTIVATION, "checkpointing")),
        {},
    ),
    "down only": ((choose(Slot.TRAINABLE, "lora", target_modules=("down_proj",)),), {}),
    "adapter in bf16": ((choose(Slot.TRAINABLE, "lora", adapter_dtype="same as weights"),), {}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_options_are_counted_as_planned(small_model: Path, name: str) -> None:
    choices, schedule = OTHERS[name]
    assert_counted_as_planned(*counted_plan(small_model, *choices, **schedule))


@pytest.mark.parametrize("loss", ["full_logits", "fused_tiles"])
def test_a_vocabulary_wider_than_a_tile_and_an_untied_head(tmp_path: Path, loss: str) -> None:
    model = make_tiny_model(tmp_path / "wide", hidden_size=32, intermediate_size=48, vocab_size=33000, tied_head=False)
    plan, data = counted_plan(model, FULL, choose(Slot.LOSS, loss), length=24)
    assert_counted_as_planned(plan, data)


def test_a_single_block_is_first_and_last(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "one", n_layers=1)
    plan, data = counted_plan(model, FULL)
    live = count(plan, data)
    assert_close = [row for row in compare(estimate(plan), live) if not row.close and row.what != "Batch"]
    assert not assert_close
    assert ("step 2+", "layer_first") in live.fullest


OTHER_FAMILIES: dict[str, dict[str, Any]] = {
    "qwen2 with biases": {"model_type": "qwen2"},
    "qwen3 with normed heads": {"model_type": "qwen3"},
    "mistral": {"model_type": "mistral", "sliding_window": None},
    "llama with every bias": {"model_type": "llama", "attention_bias": True, "mlp_bias": True},
    "mistral with a window shorter than its rows": {"model_type": "mistral", "sliding_window": 16},
    "one key-value head": {"model_type": "llama", "num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 32},
}


@pytest.mark.parametrize(("trainable", "activation"), [("full", "checkpointing"), ("lora", "keep_all")])
@pytest.mark.parametrize("padded", [True, False], ids=["padded", "even"])
@pytest.mark.parametrize("name", OTHER_FAMILIES)
def test_the_other_decoders_of_the_family(
    tmp_path: Path, name: str, padded: bool, trainable: str, activation: str
) -> None:
    model = other_model(tmp_path / "model", **OTHER_FAMILIES[name])
    choices = choose(Slot.TRAINABLE, trainable), choose(Slot.ACTIVATION, activation)
    assert_counted_as_planned(*counted_plan(model, *choices, padded=padded))


@pytest.mark.parametrize("activation", ["checkpointing", "keep_all"])
def test_a_single_key_value_head_is_spread_out_as_a_view_until_eager_attention_multiplies_it(
    tmp_path: Path, activation: str
) -> None:
    model = other_model(tmp_path / "model", **OTHER_FAMILIES["one key-value head"])
    eager = choose(Slot.ATTENTION, "eager"), choose(Slot.ACTIVATION, activation)
    assert_counted_as_planned(*counted_plan(model, *eager))


def other_model(path: Path, **config: Any) -> Path:
    """A random model of another architecture, with the small tokenizer. config: None for a size that it does not take."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from tests.tiny_model import make_tokenizer

    sizes = {
        "vocab_size": 1031, "hidden_size": 96, "intermediate_size": 232, "num_hidden_layers": 3, "head_dim": 24,
        "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True, "pad_token_id": 2,
    }  # fmt: skip
    made = AutoConfig.for_model(**{k: v for k, v in {**sizes, **config}.items() if v is not None or k not in sizes})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(made).to(torch.bfloat16).save_pretrained(path)
    make_tokenizer().save_pretrained(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("names", [MAIN[0], MAIN[7], MAIN[10], MAIN[13]], ids="-".join)
def test_the_embedded_model_is_counted_as_planned(real_model_dir: Path, names: tuple[str, str, str, str]) -> None:
    plan, data = counted_plan(real_model_dir, *main_choices(*names), rows=2, length=32)
    plan = plan.with_schedule(replace(plan.stage.schedule, max_steps=2))
    assert_counted_as_planned(plan, data)


def test_the_count_sees_what_is_not_planned(small_model: Path) -> None:
    """The referee is not the planner: a plan that says less than what is run is found out."""
    plan, data = counted_plan(small_model, choose(Slot.WEIGHTS, "fp32"))
    live = count(plan, data)
    smaller = plan.with_choice(choose(Slot.WEIGHTS, "bf16"))
    assert any(not row.close for row in compare(estimate(smaller), live) if row.what == "Weights")
