"""Fixtures every floor's tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planner.run.home import example_model_dir
from tests.tiny_model import make_tiny_model

# before torch is loaded anywhere: two test processes on two cores would otherwise spin against each other
os.environ.setdefault("GOMP_SPINCOUNT", "10000")


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer random model; made once per session, never to be written to."""
    pytest.importorskip("torch", reason="needs the [train] extra")
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def real_model_dir() -> Path:
    """The embedded model, where `plimsoll get-example` put it. Tests with it are marked `slow`."""
    folder = example_model_dir()
    if not (folder / "model.safetensors").is_file():
        pytest.skip("the embedded model is not here yet: run `plimsoll get-example` first")
    return folder
