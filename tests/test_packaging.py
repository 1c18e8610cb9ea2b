"""The wheel holds what a checkout holds: three packages, the assets, the command; and nothing that tests need."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import planner
from planner.assets import asset

ROOT = Path(planner.__file__).parent.parent


def test_assets_are_found_in_a_checkout() -> None:
    assert asset("sample", "questions.jsonl").is_file()


@pytest.mark.slow
def test_assets_are_found_in_a_wheel(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(tmp_path),
    ]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("plimsoll_planner-*.whl")
    with zipfile.ZipFile(wheel) as z:
        names = z.namelist()
        z.extractall(tmp_path / "site")
    assert any(n.endswith("entry_points.txt") for n in names)
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/"))]
    code = "from planner.assets import asset; p = asset('sample', 'questions.jsonl'); print(p, p.is_file())"
    out = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    )
    assert out.stdout.split()[-1] == "True"
    assert str(tmp_path / "site") in out.stdout
