"""Fixtures every floor's tests may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.run.home import example_model_dir
from tests.tiny_model import make_tiny_model
from tests.warm_worker import WarmStart

# before torch is loaded anywhere: two test processes on two cores would otherwise spin against each other
os.environ.setdefault("GOMP_SPINCOUNT", "10000")


@pytest.fixture(autouse=True)
def _widgets_collected_on_this_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """As `app.collecting` has it in the program: no thread of a window's test takes its widgets apart."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    gc.disable()
    yield
    gc.collect(1)
    gc.enable()


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


@pytest.fixture(scope="session")
def warm_start() -> Iterator[WarmStart]:
    """The process that warm workers are forked from, for fixtures of a wider scope: `with warm_start.used():`."""
    start = WarmStart()
    yield start
    start.close()


@pytest.fixture
def warm_workers(warm_start: WarmStart) -> Iterator[None]:
    """Workers of this test start from a process that has imported torch. Not where the start is the claim."""
    with warm_start.used():
        yield
