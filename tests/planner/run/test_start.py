"""The starter: what it checks first, and the environment it gives. Whole runs are in tests/backends and tests/system."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import planner
from planner.problem import ProblemError
from planner.run import layout
from planner.run.lock import Lock
from planner.run.start import _see_it_end, environment, start

ROOT = Path(planner.__file__).parent.parent


def test_a_missing_train_extra_is_told_with_the_command_that_mends_it() -> None:
    """An interpreter that sees the standard library and this program only, as after a base install."""
    code = f"import sys; sys.path.append({str(ROOT)!r}); from planner.run.start import missing_train_extra as m; "
    code += "p = m(); print(p.code); print(p.fact); print(p.advice); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    found, fact, advice, torch_loaded = out.stdout.splitlines()
    assert found == "worker.no_train_extra"
    assert "torch, transformers, peft, trl" in fact
    assert "-m pip install" in advice
    assert "[train]" in advice
    assert torch_loaded == "False"


def test_a_folder_without_a_spec_is_not_started(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    with pytest.raises(ProblemError) as caught:
        start(tmp_path)
    assert caught.value.problem.code == "run.no_spec"


def test_the_worker_is_offline_quiet_and_finds_this_program(tmp_path: Path) -> None:
    env = environment(tmp_path)
    assert env["HF_HUB_OFFLINE"] == "1"
    assert env["MALLOC_MMAP_THRESHOLD_"] == env["MALLOC_TRIM_THRESHOLD_"] == "65536"
    assert env["TOKENIZERS_PARALLELISM"] == "false"
    out = subprocess.run(
        [sys.executable, "-P", "-c", "import planner; print(planner.__file__)"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == planner.__file__


@pytest.mark.parametrize(
    ("device", "shown"), [("cpu", {"CUDA_VISIBLE_DEVICES": ""}), ("cuda:1", {"CUDA_VISIBLE_DEVICES": "1"}), ("mps", {})]
)
def test_the_worker_sees_only_the_device_of_its_plan(tmp_path: Path, device: str, shown: dict[str, str]) -> None:
    spec = {"plan": {"stages": [{"choices": {"placement": {"technique": "x", "options": {"device": device}}}}]}}
    (tmp_path / layout.SPEC).write_text(json.dumps(spec))
    env = environment(tmp_path)
    assert {k: v for k, v in env.items() if k in shown} == shown
    assert environment(tmp_path / "no such run")["CUDA_VISIBLE_DEVICES"] == ""


def test_one_that_gave_way_to_another_worker_says_nothing_of_the_runs_end(tmp_path: Path) -> None:
    """Of two started at once the second ends with 2; that is not how the run ended."""
    held = Lock(tmp_path)
    gave_way = subprocess.Popen([sys.executable, "-c", "raise SystemExit(2)"])
    _see_it_end(gave_way, tmp_path)
    assert not (tmp_path / layout.EXIT).exists()
    held.release()
