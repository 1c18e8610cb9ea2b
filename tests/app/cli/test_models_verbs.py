"""`plimsoll models` and `get-model` as a script calls them, with a Hub on this computer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from planner.run.home import models_dir
from tests.gguf_files import write_gguf
from tests.hub_server import Hub, hub_of
from tests.tiny_model import make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("gguf", reason="needs the [train] extra")


@pytest.fixture
def hub(tiny_model_dir: Path, tmp_path: Path) -> Iterator[Hub]:
    with hub_of({"org/tiny": tiny_model_dir}, tmp_path / "hf") as found:
        yield found


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    out = capsys.readouterr()
    return code, out.out, out.err


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, err = said(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)  # type: ignore[no-any-return]


def test_what_is_here_is_listed_with_its_state(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, "models") == {"models": []}
    make_tiny_model(models_dir() / "mine")
    cut = write_gguf(models_dir() / "packed.gguf")
    cut.write_bytes(cut.read_bytes()[:4000])
    found = {m["name"]: (m["kind"], m["state"]) for m in as_json(capsys, "models")["models"]}
    assert found == {"mine": ("model", "whole"), "packed": ("gguf", "partial")}
    _, out, _ = said(capsys, "models")
    assert "was not fetched whole" in out


def test_a_model_is_fetched_only_when_it_was_agreed_to(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "get-model", "org/tiny")
    assert code == 0
    assert "org/tiny: 6 files" in err
    assert "Nothing was fetched" in err
    assert hub.fetched() == []
    found = as_json(capsys, "get-model", "org/tiny", "--yes")
    assert (Path(found["path"]) / "model.safetensors").is_file()
    assert as_json(capsys, "models")["models"][0]["state"] == "whole"


@pytest.mark.parametrize(
    ("name", "code", "exit_code"), [("org/none", "download.not_found", 1), ("a b", "download.not_a_name", 2)]
)
def test_what_cannot_be_fetched_is_a_problem(
    name: str, code: str, exit_code: int, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    done, _, err = said(capsys, "get-model", name, "--json")
    assert done == exit_code
    assert json.loads(err)["problem"]["code"] == code


def test_a_gguf_file_is_planned_by_its_path(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_gguf(tmp_path / "packed.gguf")
    code, out, _ = said(capsys, "plan", "--preset", "first-run", "--set", f"model={path}")
    assert code in (0, 3)
    assert "packed" in out
