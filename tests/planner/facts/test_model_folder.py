"""A folder is taken as a model only when its config, its stored tensors and its tokenizer agree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from planner.facts.model.folder import read_folder, tokenizer_digest
from planner.problem import ProblemError


@pytest.fixture
def folder(tiny_model_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "model"))


def code(path: Path) -> str:
    with pytest.raises(ProblemError) as caught:
        read_folder(path)
    assert caught.value.problem.advice
    return caught.value.problem.code


def edit(path: Path, **changes: Any) -> None:
    value = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in value.items() if v != "absent"}))


def test_a_saved_model_is_read_whole(tiny_model_dir: Path) -> None:
    facts = read_folder(tiny_model_dir)
    assert facts.stored_dtype == "bfloat16"
    assert facts.stored_bytes == 2 * facts.params
    assert facts.has_chat_template
    assert len(facts.tokenizer) == 64
    assert facts.path == str(tiny_model_dir.resolve())


@pytest.mark.slow
def test_the_embedded_model_is_read_whole(real_model_dir: Path) -> None:
    facts = read_folder(real_model_dir)
    assert facts.params == 134_515_008
    assert facts.stored_bytes == 269_030_016
    assert (facts.n_layers, facts.q_dim, facts.kv_dim, facts.tied_head) == (30, 576, 192, True)


def test_shapes_that_differ_from_the_config_are_named(folder: Path) -> None:
    edit(folder / "config.json", intermediate_size=200)
    with pytest.raises(ProblemError) as caught:
        read_folder(folder)
    assert caught.value.problem.code == "model.shape_mismatch"
    assert "gate_proj" in caught.value.problem.fact
    assert "200" in caught.value.problem.fact


def test_missing_tensors_are_counted(folder: Path) -> None:
    edit(folder / "config.json", num_hidden_layers=3)
    assert code(folder) == "model.tensor_missing"


def test_a_head_stored_beside_its_embedding_is_tied_only_when_equal(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    tied = read_folder(folder)
    weights = folder / "model.safetensors"
    tensors = {name: t.clone() for name, t in safetensors.load_file(weights).items()}  # not a map of the file rewritten
    embedding = tensors["model.embed_tokens.weight"]
    weights.unlink()
    safetensors.save_file({**tensors, "lm_head.weight": embedding.clone()}, weights)
    same = read_folder(folder)
    assert (same.tied_head, same.params) == (True, tied.params)
    head = embedding.clone()
    head[100:] += 1
    weights.unlink()
    safetensors.save_file({**tensors, "lm_head.weight": head}, weights)
    differs = read_folder(folder)
    assert (differs.tied_head, differs.params) == (False, tied.params + embedding.numel())
    transformers = pytest.importorskip("transformers")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert torch.equal(loaded.lm_head.weight, head)
    assert sum(p.numel() for p in loaded.parameters()) == differs.params


def test_weights_in_pickle_files_are_refused_with_advice(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert code(folder) == "model.pickle_only"


def test_each_wrong_folder_has_its_own_advice(folder: Path, tmp_path: Path) -> None:
    assert code(tmp_path / "absent") == "model.not_found"
    assert code(folder / "config.json") == "model.not_found"
    assert code(tmp_path / "nul\0") == "model.unreadable"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert code(empty) == "model.not_found"
    (empty / "adapter_config.json").touch()
    assert code(empty) == "model.is_adapter"
    (empty / "adapter_config.json").rename(empty / "x.gguf")
    assert code(empty) == "model.is_gguf"


def test_an_adapter_beside_a_model_is_refused_because_it_may_name_another_base(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    assert code(folder) == "model.is_adapter"


def test_a_folder_without_weights_or_tokenizer_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "elsewhere")
    assert code(folder) == "model.no_weights"
    (folder / "elsewhere").rename(folder / "model.safetensors")
    (folder / "tokenizer.json").unlink()
    assert code(folder) == "model.no_tokenizer"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1, "a": 2}', "\ufeff\ufeff", "NaN"])
def test_a_damaged_config_is_a_problem(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    assert code(folder) == "model.config_damaged"


def test_another_template_is_another_tokenizer(folder: Path) -> None:
    before = tokenizer_digest(folder)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert tokenizer_digest(folder) != before
