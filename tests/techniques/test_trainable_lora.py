"""LoRA: two small matrices beside each chosen matmul, to the byte, and PEFT trains exactly those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.facts.model.folder import read_folder
from planner.slots import Slot
from planner.techniques.trainable_lora import ALL_LINEARS, LoraOptions, TrainableLora
from tests.planner.test_estimate import plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, twin_of

LAYERS, HIDDEN, KEYS, MIDDLE = 30, 576, 192, 1536  # of the model that `plan` plans with


def adapter_bytes(options: LoraOptions) -> int:
    return size(plan(replace(choose(Slot.TRAINABLE, "lora"), options=options)), "Adapter")


def test_a_and_b_of_each_target_by_hand() -> None:
    """A is rank × what the matmul reads, B what it writes × rank, in every block."""
    two = LoraOptions(rank=5, target_modules=("k_proj", "down_proj"))
    elements = 5 * LAYERS * ((HIDDEN + KEYS) + (MIDDLE + HIDDEN))
    assert adapter_bytes(two) == 4 * elements
    assert adapter_bytes(replace(two, adapter_dtype="same as weights")) == 2 * elements


def test_alpha_and_dropout_store_nothing() -> None:
    assert adapter_bytes(LoraOptions(alpha=512, dropout=0.5)) == adapter_bytes(LoraOptions())


def test_a_wrong_target_is_named_and_the_right_ones_are_offered() -> None:
    lora = TrainableLora()
    (unknown,) = lora.problems(plan(), LoraOptions(target_modules=("q_proj", "w_proj")))
    assert "'w_proj'" in unknown.fact
    assert "q_proj" not in unknown.fact
    assert all(name in unknown.advice for name in ALL_LINEARS)
    (twice,) = lora.problems(plan(), LoraOptions(target_modules=("q_proj", "v_proj", "q_proj")))
    assert twice.code == "lora.target_twice"
    assert lora.problems(plan(), LoraOptions()) == []


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "options",
    [
        LoraOptions(),
        LoraOptions(rank=3, target_modules=("o_proj", "up_proj"), dropout=0.1),
        LoraOptions(rank=16, adapter_dtype="same as weights"),
    ],
    ids=["default", "two targets", "in the weights' type"],
)
def test_peft_trains_exactly_what_the_adapter_line_holds(tiny_model_dir: Path, options: LoraOptions) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    model = twin_of(TrainableLora()).wrap(load(tiny_model_dir, dtype=torch.bfloat16), options)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert all("lora_A" in name or "lora_B" in name for name in trained)
    tiny = replace(plan(replace(choose(Slot.TRAINABLE, "lora"), options=options)), model=read_folder(tiny_model_dir))
    assert sum(p.nbytes for p in trained.values()) == size(tiny, "Adapter")
    assert len(trained) == 2 * len(options.target_modules) * tiny.model.n_layers
