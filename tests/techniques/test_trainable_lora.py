"""LoRA: two small matrices beside each chosen matmul, to the byte, and PEFT trains exactly those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from planner.changes import single_changes
from planner.facts.model.architectures import ARCHITECTURES
from planner.facts.model.facts import ModelFacts
from planner.facts.model.folder import read_folder
from planner.slots import Slot
from planner.techniques.trainable_lora import ALL_LINEAR, LoraOptions, TrainableLora
from tests.planner.test_estimate import plan
from tests.small_run import choose
from tests.techniques.by_hand import load, size, twin_of

SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")  # the default of older plans
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
    assert all(name in unknown.advice for name in (ALL_LINEAR, *SEVEN))
    (twice,) = lora.problems(plan(), LoraOptions(target_modules=("q_proj", "v_proj", "q_proj")))
    assert twice.code == "lora.target_twice"
    (mixed,) = lora.problems(plan(), LoraOptions(target_modules=(ALL_LINEAR, "q_proj")))
    assert mixed.code == "lora.target_twice"
    assert lora.problems(plan(), LoraOptions()) == []
    assert lora.problems(plan(), LoraOptions(target_modules=("self_attn.q_proj",))) == []


@pytest.mark.parametrize(
    ("architecture", "names"),
    [
        ("Phi3ForCausalLM", "qkv_proj, o_proj, gate_up_proj, down_proj."),
        ("GPT2LMHeadModel", "c_attn, attn.c_proj, c_fc, mlp.c_proj."),
        ("GPTNeoXForCausalLM", "query_key_value, dense, dense_h_to_4h, dense_4h_to_h."),
    ],
)
def test_each_model_offers_the_matmuls_that_it_has_by_its_own_names(architecture: str, names: str) -> None:
    known = ARCHITECTURES[architecture]
    other = replace(plan().model, family=known.family, architecture=architecture)
    model = replace(plan(), model=other)
    (problem,) = TrainableLora().problems(model, LoraOptions(target_modules=("gate_proj",)))
    assert problem.code == "lora.unknown_target"
    assert problem.advice.endswith(names)
    assert TrainableLora().problems(model, LoraOptions()) == []


def test_all_linear_is_an_adapter_on_every_matmul_of_every_block() -> None:
    assert adapter_bytes(LoraOptions()) == adapter_bytes(LoraOptions(target_modules=SEVEN))


def test_an_exported_script_says_all_linear_as_peft_does() -> None:
    lora = TrainableLora()
    assert '        target_modules="all-linear",' in lora.script(LoraOptions(), plan()).wrap
    two = lora.script(LoraOptions(target_modules=("q_proj", "v_proj")), plan()).wrap
    assert "        target_modules=['q_proj', 'v_proj']," in two


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_all_linear_draws_the_very_adapters_that_the_seven_names_draw(tiny_model_dir: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    drawn = []
    for targets in ((ALL_LINEAR,), SEVEN):
        torch.manual_seed(7)
        model = twin_of(TrainableLora()).wrap(load(tiny_model_dir), LoraOptions(target_modules=targets))
        drawn.append({name: p for name, p in model.named_parameters() if p.requires_grad})
    new, old = drawn
    assert list(new) == list(old)
    assert all(torch.equal(new[name], old[name]) for name in new)


def test_variants_name_only_what_the_model_has() -> None:
    def titles(model: ModelFacts) -> list[str]:
        changed = replace(plan(choose(Slot.TRAINABLE, "lora")), model=model)
        return [step.title for step in single_changes(changed)]

    q_and_v = "Adapters on q_proj and v_proj only"
    assert q_and_v in titles(plan().model)
    assert q_and_v not in titles(replace(plan().model, family="phi3"))


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
    targets = SEVEN if options.target_modules == (ALL_LINEAR,) else options.target_modules
    assert len(trained) == 2 * len(targets) * tiny.model.n_layers
