"""The Hugging Face cache as its own library fills it: whole, unfinished, refused, broken, each told with what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.facts.model.folder_state import CachedModel
from planner.facts.model.hub_cache import cached, name_in_cache
from planner.models_here import base_folder, models_here, read_model
from planner.run.home import HOME_VARIABLE, models_dir
from tests.hub_server import Hub, hub_of
from tests.tiny_model import make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("huggingface_hub", reason="needs the [train] extra")
NAME = "org/tiny"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose weights lie in three files, as save_pretrained writes them."""
    from transformers import AutoModelForCausalLM

    folder = make_tiny_model(tmp_path_factory.mktemp("page") / "tiny")
    model = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="100KB")
    return folder


@pytest.fixture
def hub(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    with hub_of({NAME: page}, tmp_path / "hf") as found:
        yield found


def library(name: str = NAME) -> int:
    """What any other program does to fetch a model: the library itself, in a process of its own."""
    code = f"from huggingface_hub import snapshot_download; snapshot_download({name!r}, max_workers=1)"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=os.environ.copy(), check=False
    ).returncode


def only() -> CachedModel:
    (found,) = cached()
    return found


def test_each_state_of_a_repository_is_told(hub: Hub, tmp_path: Path) -> None:
    assert cached() == ()
    hub.gated.add(NAME)
    assert library() != 0
    refused = only()
    assert (refused.name, refused.state, refused.bytes) == (NAME, "gated", 0)
    assert f"{hub.address}/{NAME}" in refused.says
    assert "hf auth login" in refused.says

    hub.gated.clear()
    assert library() == 0
    whole = only()
    assert (whole.state, whole.kind, whole.says) == ("whole", "model", "")
    assert whole.bytes == sum(p.stat().st_size for p in hub.models[NAME].iterdir())
    assert read_model(whole.path).name == NAME == name_in_cache(whole.path)
    assert base_folder(NAME.upper()) == whole.path

    index = json.loads((whole.path / "model.safetensors.index.json").read_text())
    shards = sorted(set(index["weight_map"].values()))
    assert len(shards) > 1
    first, blob = whole.path / shards[0], (whole.path / shards[0]).resolve()
    raw = blob.read_bytes()
    for kept in (raw[:-1], raw[:20], b""):
        blob.write_bytes(kept)
        cut = only()
        assert (cut.state, shards[0] in cut.says, "cut short" in cut.says) == ("partial", True, True)
    blob.write_bytes(raw[:8] + b"\xff" + raw[9:])
    assert only().state == "broken"
    blob.unlink()
    assert (only().state, "points to bytes that are not there" in only().says) == ("partial", True)
    first.unlink()
    assert (only().state, f"the first is {shards[0]}" in only().says) == ("partial", True)
    begun = blob.with_name(f"{blob.name}.1a2b3c4d.incomplete")  # as the library names it
    begun.write_bytes(raw[:1000])
    assert (only().state, "was not finished" in only().says) == ("partial", True)


def test_what_is_no_model_to_train_is_said_or_passed_over(hub: Hub, tmp_path: Path) -> None:
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    words = tmp_path / "words"
    words.mkdir()
    (words / "README.md").write_text("a data set")
    hub.models |= {"org/pickled": pickled, "org/words": words}
    assert library("org/pickled") == library("org/words") == 0
    found = only()
    assert (found.name, found.state) == ("org/pickled", "broken")
    assert "pickle" in found.says


def test_the_programs_own_folder_and_the_cache_are_one_list(hub: Hub, tmp_path: Path) -> None:
    from tests.gguf_files import write_gguf

    assert library() == 0
    own = models_dir()
    make_tiny_model(own / "mine")
    write_gguf(own / "packed.gguf")
    (own / "cut.gguf").write_bytes((own / "packed.gguf").read_bytes()[:5000])
    assert [(m.name, m.kind, m.state) for m in models_here()] == [
        ("cut", "gguf", "partial"),
        ("mine", "model", "whole"),
        (NAME, "model", "whole"),
        ("packed", "gguf", "whole"),
    ]
    assert read_model(own / "packed.gguf").source == "gguf"
