"""Real failures of the libraries, made here, become the Problems a person can act on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import planner
from backends.failure import is_disk_full, is_out_of_memory, to_problem
from planner.problem import fail
from tests.faults import fault

torch = pytest.importorskip("torch", reason="needs the [train] extra")
ROOT = Path(planner.__file__).parent.parent


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_known_from_pythons_error() -> None:
    with pytest.raises(OSError, match="No space left") as caught, Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")
    assert is_disk_full(caught.value)
    assert not is_out_of_memory(caught.value)
    assert to_problem(caught.value, "/run").code == "disk.full"


@pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")
def test_a_file_that_may_not_grow_counts_as_a_full_disk_also_in_words_of_safetensors(tmp_path: Path) -> None:
    code = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
import torch
from safetensors.torch import save_file
from backends.failure import is_disk_full
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_file({{"w": torch.zeros(1_000_000)}}, {str(tmp_path / "w.safetensors")!r})
except Exception as error:
    print(is_disk_full(error), error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.stdout.startswith("True"), out.stdout + out.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits of this kind are Linux's")
def test_torch_and_python_out_of_memory_are_one_problem() -> None:
    code = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
import torch
from backends.failure import is_out_of_memory
resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
for make in (lambda: torch.empty(2**40, dtype=torch.uint8), lambda: bytearray(2**40)):
    try:
        make()
    except Exception as error:
        print(is_out_of_memory(error), type(error).__name__)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["True", "RuntimeError", "True", "MemoryError"], out.stdout + out.stderr


def test_what_cuda_says_when_memory_is_out_is_known() -> None:
    said = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB of which 1.2 GiB is free."
    assert is_out_of_memory(torch.OutOfMemoryError(said))


def test_a_problem_stays_itself_also_as_a_cause() -> None:
    inner = fail("model.not_found", "There is none.", "Choose one.")
    outer = RuntimeError("while loading")
    outer.__cause__ = inner
    assert to_problem(outer, "/run") == inner.problem


def test_anything_else_is_named_without_its_traceback() -> None:
    problem = to_problem(KeyError("layers"), "/run")
    assert problem.code == "worker.error"
    assert "KeyError" in problem.fact
    assert "Traceback" not in str(problem)


@fault(
    "The run's folder is moved away",
    injected="The folder is not there when the error is told",
    seen="That it was moved or removed, and to open it where it lies now",
    lost="The steps since the last checkpoint",
)
def test_a_run_whose_folder_was_moved_away_says_so(tmp_path: Path) -> None:
    problem = to_problem(FileNotFoundError(2, "No such file or directory"), str(tmp_path / "moved"))
    assert problem.code == "run.folder_gone"
