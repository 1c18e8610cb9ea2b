"""A command becomes the plan of its run, with its library's own defaults; what the plan cannot hold is told."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from planner.drafting import plan_problems
from planner.estimate import estimate
from planner.facts.gpus import other_machine
from planner.plan import Plan
from planner.plan_file import plan_from_json, plan_to_json
from planner.slots import Slot
from planner.techniques.registry import technique
from planner.training.optimizers import Optimizer
from planner.why.as_plan import Run, run_of
from planner.why.command import read_command
from planner.why.settings import table
from planner.why.text import read

CARD = other_machine("NVIDIA GeForce RTX 4090")


def run(text: str, **evidence: bool) -> Run:
    found = read_command(read(text))
    assert found is not None
    return run_of(found, CARD, **evidence)


def plan(text: str, **evidence: bool) -> Plan:
    found = run(text, **evidence).plan
    assert found is not None
    return found


def answers(of: Plan) -> dict[str, str]:
    return {c.slot.value: c.technique for c in of.stage.choices}


def _fields(module: str, file: str) -> dict[str, Any]:
    """Defaults of the dataclasses of a file, read without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{module} is not installed")
    found: dict[str, Any] = {}
    source = (Path(spec.submodule_search_locations[0]) / file).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(node.value, ast.Call):
            given = {k.arg: k.value for k in node.value.keywords}
            with contextlib.suppress(KeyError, ValueError):
                found[node.target.id] = ast.literal_eval(given["default"])
    return found


def test_the_defaults_are_those_of_the_installed_libraries() -> None:
    own = _fields("transformers", "training_args.py") | {"optim": "adamw_torch_fused"}
    trl = {**own}
    for file in ("trainer/base_config.py", "trainer/sft_config.py", "trainer/model_config.py"):
        trl |= _fields("trl", file)
    mine = table()["defaults"]["trl"]
    assert {k: trl[k] for k in mine} == mine
    mine = {k: v for k, v in table()["defaults"]["transformers"].items() if k in own and own[k] is not None}
    assert {k: own[k] for k in mine} == mine
    assert own["gradient_checkpointing"] is None  # and off


def test_every_argument_of_trl_is_known_by_name() -> None:
    """Read, beside the plan, or moving nothing: a new one of a later version is told as unknown."""
    known = {n for names in table()["names"].values() for n in names} | set(table()["moves_nothing"])
    known |= {row["flag"] for row in table()["beside"]} | set(table()["defaults"]["trl"]) | {"use_dora", "fp16", "bf16"}
    files = ("trainer/sft_config.py", "trainer/model_config.py")
    assert {name for file in files for name in _fields("trl", file)} - known == set()


def test_peft_s_own_targets_are_its_own() -> None:
    spec = importlib.util.find_spec("peft")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("peft is not installed")
    source = (Path(spec.submodule_search_locations[0]) / "utils" / "constants.py").read_text(encoding="utf-8")
    theirs: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").endswith(
            "TO_LORA_TARGET_MODULES_MAPPING"
        ):
            theirs = ast.literal_eval(node.value)
    types = {
        "GPTNeoX": "gpt_neox",
        "Gemma3ForCausalLM": "gemma3_text",
        "GemmaFor": "gemma",
        "Qwen2ForCausalLM": "qwen2",
        "Qwen3ForCausalLM": "qwen3",
    }
    for row in table()["targets"]:
        kind = types.get(row["architecture"], row["architecture"].lower())
        assert row["modules"] == theirs.get(kind, []), row["architecture"]


def test_trl_s_defaults_hold_for_what_is_not_given() -> None:
    found = plan("trl sft --model_name_or_path Qwen/Qwen2.5-0.5B --dataset_name x/y")
    s = found.stage.schedule
    assert (s.micro_batch, s.max_length, s.grad_accumulation, s.epochs) == (8, 1024, 1, 3.0)
    assert answers(found) == {
        "weights": "fp32", "precision": "as_stored", "trainable": "full", "attention": "sdpa",
        "activation": "checkpointing", "objective": "fine_tune", "loss": "fused_tiles", "optimizer": "adamw",
        "placement": "one_device",
    }  # fmt: skip
    assert found.data.name.startswith("x/y")


def test_a_script_of_transformers_has_transformers_defaults() -> None:
    found = plan("torchrun run_clm.py --model_name_or_path gpt2 --block_size 512 --per_device_train_batch_size 2")
    assert answers(found)["activation"] == "keep_all"
    assert answers(found)["loss"] == "full_logits"
    assert found.stage.schedule.max_length == 512


def test_given_flags_are_taken() -> None:
    found = plan(
        "accelerate launch sft.py --model_name_or_path meta-llama/Llama-2-7b-chat-hf --dtype bfloat16 --use_peft --lora_r 64 "
        "--lora_alpha=8 --lora_dropout 0.1 --lora_target_modules q_proj,k_proj --per_device_train_batch_size 3 --max_length 256 "
        "--gradient_accumulation_steps 5 --gradient_checkpointing False --attn_implementation eager --optim adamw_torch"
    )
    lora = found.stage.choice(Slot.TRAINABLE)
    assert lora is not None
    assert (lora.options.rank, lora.options.alpha, lora.options.dropout) == (64, 8, 0.1)
    assert lora.options.target_modules == ("q_proj", "k_proj")
    s = found.stage.schedule
    assert (s.micro_batch, s.max_length, s.grad_accumulation) == (3, 256, 5)
    told = answers(found)
    assert (told["weights"], told["activation"], told["attention"]) == ("bf16", "keep_all", "eager")
    optimizer = found.stage.choice(Slot.OPTIMIZER)
    assert optimizer is not None
    assert optimizer.options.implementation == "foreach"
    assert plan_problems(found) == ()


@pytest.mark.parametrize(
    ("model", "targets"),
    [("Qwen/Qwen2.5-0.5B", ("q_proj", "v_proj")), ("gpt2", ("c_attn",)), ("microsoft/phi-4", ("all-linear",))],
)
def test_without_targets_peft_s_own_are_taken(model: str, targets: tuple[str, ...]) -> None:
    found = plan(f"trl sft --model_name_or_path {model} --use_peft").stage.choice(Slot.TRAINABLE)
    assert found is not None
    assert found.options.target_modules == targets


def test_lora_without_use_peft_trains_everything_and_that_is_said() -> None:
    found = run("trl sft --model_name_or_path gpt2 --lora_r 8")
    assert found.plan is not None
    assert answers(found.plan)["trainable"] == "full"
    assert any("--lora_r does nothing without --use_peft" in x for x in found.told)


def test_four_bits_are_the_four_bit_technique() -> None:
    found = run("trl sft --model_name_or_path Qwen/Qwen2.5-1.5B --use_peft --load_in_4bit --use_bnb_nested_quant")
    assert found.plan is not None
    weights = found.plan.stage.choice(Slot.WEIGHTS)
    assert weights is not None
    assert (weights.technique, weights.options.double_quant) == ("nf4", True)
    lora = found.plan.stage.choice(Slot.TRAINABLE)
    assert lora is not None
    assert lora.options.adapter_dtype == "same as weights"  # TRL makes adapters of packed weights bfloat16
    assert any("float32" in b.setting and (b.bytes or 0) > 0 for b in found.beside)


def test_the_traceback_s_own_loss_goes_before_the_default() -> None:
    assert answers(plan("trl sft --model_name_or_path gpt2", full_logits=True))["loss"] == "full_logits"


@pytest.mark.parametrize(
    ("flag", "way"),
    [
        ("--optim adamw_bnb_8bit", -1),
        ("--optim paged_adamw_8bit", -1),
        ("--optim sgd", -1),
        ("--load_in_8bit --use_peft", -1),
        ("--use_peft --use_dora", 1),
    ],
)
def test_what_only_a_formula_has_is_told_with_its_bytes(flag: str, way: int) -> None:
    """Full training of a small model, where optimizer states weigh, or an adapter on it."""
    found = run(
        f"trl sft --model_name_or_path Qwen/Qwen2.5-0.5B --per_device_train_batch_size 1 --max_length 128 {flag}"
    )
    named = flag.split()[-1] if "dora" in flag else flag.split(" --use_peft")[0]
    told = next(b for b in found.beside if b.setting == named)
    assert told.bytes is not None
    assert told.bytes * way > 0


def test_autocast_is_told_where_it_is_on_and_moves_the_peak() -> None:
    """Where activations are most of the peak, float32 weights under autocast keep 16-bit ones."""

    def autocast(flags: str, launcher: str = "") -> int:
        command = f"{launcher} sft.py --model_name_or_path Qwen/Qwen2.5-0.5B --gradient_checkpointing False {flags}"
        return sum(
            b.bytes or 0 for b in run(f"python {command}" if not launcher else command).beside if "autocast" in b.why
        )

    assert autocast("") < -100 * 2**20  # TRL's default
    assert autocast("--fp16") == autocast("")
    assert autocast("--bf16 False") == 0
    assert autocast("--bf16 False", "accelerate launch --mixed_precision bf16") == 0
    of_transformers = (
        "accelerate launch --mixed_precision bf16 run_clm.py --model_name_or_path Qwen/Qwen2.5-0.5B --block_size 1024"
    )
    assert any("autocast" in b.why for b in run(of_transformers).beside)
    assert not any("autocast" in b.why for b in run(of_transformers.replace(" --mixed_precision bf16", "")).beside)


def test_the_difference_of_8_bit_states_is_that_of_their_bytes() -> None:
    found = run(
        "trl sft --model_name_or_path Qwen/Qwen2.5-0.5B --max_length 64 --per_device_train_batch_size 1 --bf16 False --optim adamw_8bit"
    )
    assert found.plan is not None
    params = found.plan.model.params
    told = next(b for b in found.beside if "adamw_8bit" in b.setting)
    embedding = found.plan.model.vocab_size * found.plan.model.hidden_size  # whose states stay in 32 bits
    assert told.bytes == pytest.approx(-6 * (params - embedding), rel=0.02)


def test_what_nobody_knows_is_told_with_its_direction() -> None:
    found = run(
        "accelerate launch --num_processes 2 --config_file z3.yaml sft.py --model_name_or_path gpt2 --use_liger_kernel --fancy 3 --config c.yaml --seed 1"
    )
    told = {b.setting: b.way for b in found.beside}
    assert told["--num_processes 2"] == "either"
    assert told["--use_liger_kernel"] == "less"
    assert told["--config c.yaml"] == "either"
    assert told["--config_file z3.yaml"] == "either"
    assert told["--fancy"] == "either"
    assert not any("seed" in setting for setting in told)
    assert all(str(b).startswith(b.setting) for b in found.beside)


def test_a_value_that_the_text_does_not_explain_is_told() -> None:
    found = run("trl sft --model_name_or_path gpt2 --per_device_train_batch_size $BATCH")
    assert found.plan is not None
    assert found.plan.stage.schedule.micro_batch == 8
    assert any("$BATCH" in x for x in found.told)


@pytest.mark.parametrize(
    "text", ["trl dpo --model_name_or_path gpt2", "trl sft --seed 1", "trl sft --model_name_or_path ./mine"]
)
def test_what_has_no_plan_says_what_is_missing(text: str) -> None:
    found = run(text)
    assert found.plan is None
    assert found.missing


def test_a_plan_of_a_command_is_one_that_can_be_kept_and_estimated() -> None:
    found = plan("trl sft --model_name_or_path Qwen/Qwen2.5-0.5B --use_peft")
    assert plan_from_json(plan_to_json(found)) == found
    assert estimate(found).tiers


def test_every_answer_of_the_table_is_a_technique_and_every_optimizer_a_formula() -> None:
    for slot, words in table()["answers"].items():
        for name in words.values():
            assert technique(Slot(slot), name).name == name
    assert all(Optimizer(**{k: v for k, v in row.items() if k != "names"}) for row in table()["optimizers"])
