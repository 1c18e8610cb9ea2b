"""Adapters as PEFT itself saves them: recognised, planned on their base model, and what cannot be taken over is said."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from planner.facts.model.adapter import read_adapter
from planner.facts.model.folder_state import look_at
from planner.models_here import base_of
from planner.plan_set import apply_set
from planner.problem import ProblemError
from planner.slots import Slot
from tests.small_run import small_plan
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")


def save_adapter(folder: Path, base: Path, kind: str = "LoraConfig", name: str = "", **settings: Any) -> Path:
    """An adapter on the small model, by PEFT. name: what it says its base is called."""
    import peft
    from transformers import AutoModelForCausalLM

    config = getattr(peft, kind)(task_type="CAUSAL_LM", **settings)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", FutureWarning
        )  # PEFT 0.21 asks transformers 5.23 for a property by its old name
        model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    model.peft_config["default"].base_model_name_or_path = name or str(base)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path) -> Path:
    folder = tmp_path_factory.mktemp("adapters") / "mine"
    return save_adapter(
        folder, tiny_model_dir, r=12, lora_alpha=24, lora_dropout=0.1, target_modules=["v_proj", "q_proj"]
    )


def test_its_kind_rank_scale_targets_and_base_are_read(lora: Path, tiny_model_dir: Path) -> None:
    found = read_adapter(lora)
    assert (found.kind, found.rank, found.alpha, found.dropout) == ("LORA", 12, 24.0, 0.1)
    assert (found.targets, found.base, found.differs) == (("q_proj", "v_proj"), str(tiny_model_dir), ())
    assert found.bytes == pytest.approx((lora / "adapter_model.safetensors").stat().st_size, rel=0.5)
    assert base_of(found).path == str(tiny_model_dir)
    (seen,) = look_at(lora, "mine")
    assert (seen.kind, seen.state, seen.base, seen.detail) == (
        "adapter",
        "whole",
        str(tiny_model_dir),
        "LoRA adapter, rank 12",
    )


def test_picking_it_plans_its_base_with_its_settings(lora: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl"))
    planned = apply_set(plan, f"model={lora}")
    choice = planned.stage.choice(Slot.TRAINABLE)
    assert choice is not None
    options = choice.options
    assert (options.rank, options.alpha, options.dropout, options.target_modules) == (12, 24, 0.1, ("q_proj", "v_proj"))
    assert planned.model.path == str(tiny_model_dir)
    assert "with the settings of mine" in planned.model.provenance


def test_what_our_options_cannot_say_is_named(tmp_path: Path, tiny_model_dir: Path) -> None:
    folder = save_adapter(
        tmp_path / "a", tiny_model_dir, r=4, use_dora=True, rank_pattern={"q_proj": 8}, target_modules=".*proj"
    )
    told = " ".join(read_adapter(folder).differs)
    assert "DoRA" in told
    assert "a rank of their own" in told
    assert "pattern" in told


def test_another_kind_is_recognised_and_refused_by_name(tmp_path: Path, tiny_model_dir: Path) -> None:
    folder = save_adapter(tmp_path / "a", tiny_model_dir, "IA3Config")
    assert read_adapter(folder).kind == "IA3"
    plan = small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl"))
    with pytest.raises(ProblemError) as raised:
        apply_set(plan, f"model={folder}")
    assert raised.value.problem.code == "adapter.kind"
    assert "IA3" in raised.value.problem.fact


def with_config(folder: Path, lora: Path, **changes: Any) -> Path:
    folder.mkdir()
    config = json.loads((lora / "adapter_config.json").read_text()) | changes
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes((lora / "adapter_model.safetensors").read_bytes())
    return folder


def test_a_base_in_the_catalogue_is_planned_by_shape_and_an_unknown_one_is_named(lora: Path, tmp_path: Path) -> None:
    known = read_adapter(with_config(tmp_path / "a", lora, base_model_name_or_path="meta-llama/Llama-3.1-8B"))
    assert base_of(known, ()).source == "catalogue"
    unknown = read_adapter(with_config(tmp_path / "b", lora, base_model_name_or_path="someone/unheard-of"))
    with pytest.raises(ProblemError) as raised:
        base_of(unknown, ())
    assert raised.value.problem.code == "adapter.base_unknown"
    assert "someone/unheard-of" in raised.value.problem.fact


@pytest.mark.parametrize(
    "changes",
    [{"r": -1}, {"r": "16"}, {"lora_alpha": None}, {"lora_dropout": 2}, {"peft_type": None}, {"peft_type": "../x"}],
)
def test_a_damaged_config_is_a_problem(changes: dict[str, Any], lora: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as raised:
        read_adapter(with_config(tmp_path / "a", lora, **changes))
    assert raised.value.problem.code == "adapter.config_damaged"


def test_missing_pickled_and_cut_weights_are_told_apart(lora: Path, tmp_path: Path) -> None:
    folder = with_config(tmp_path / "a", lora)
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    assert [m.state for m in look_at(folder, "a")] == ["partial"]
    weights.unlink()
    assert [m.state for m in look_at(folder, "a")] == ["partial"]
    (folder / "adapter_model.bin").write_bytes(b"x")
    (seen,) = look_at(folder, "a")
    assert (seen.state, "pickle" in seen.says) == ("broken", True)
