"""The three floors keep apart: what a fresh interpreter has loaded after importing one of them, and who names whom."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import app
import planner
from planner.techniques.registry import TECHNIQUES

ROOT = Path(planner.__file__).parent.parent


def _modules(package: object) -> list[str]:
    names = pkgutil.walk_packages(package.__path__, package.__name__ + ".")  # type: ignore[attr-defined]
    return [m.name for m in names if not m.name.endswith("__main__")]


def _loaded_after_importing(names: list[str]) -> set[str]:
    code = (
        "import importlib, json, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(json.loads(out.stdout.splitlines()[-1]))


def test_all_of_the_planner_loads_neither_torch_nor_qt() -> None:
    loaded = _loaded_after_importing(_modules(planner))
    assert "planner" in loaded
    assert not loaded & {"torch", "transformers", "peft", "trl", "datasets", "PySide6", "app", "backends", "matplotlib"}


def test_all_of_the_app_loads_no_torch_and_no_backend() -> None:
    loaded = _loaded_after_importing(_modules(app))
    assert {"app", "PySide6"} <= loaded
    assert not loaded & {"torch", "transformers", "peft", "trl", "datasets", "backends"}


def test_the_command_line_loads_no_qt() -> None:
    verbs = [m for m in _modules(app) if m.startswith("app.cli")]
    loaded = _loaded_after_importing(verbs)
    assert verbs
    assert not loaded & {"torch", "PySide6", "matplotlib", "numpy"}


@pytest.mark.parametrize("floor", ["app", "planner", "backends"])
def test_technique_names_stand_only_in_the_pair_and_the_registry(floor: str) -> None:
    """A string literal equal to `slot` + name in one expression would be a special case outside the pair."""
    names = {t.name for t in TECHNIQUES}
    assert names
    strays = []
    for file in sorted((ROOT / floor).rglob("*.py")):
        if file.parent.name == "techniques":
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            for side in (node.left, *node.comparators):
                if isinstance(side, ast.Constant) and side.value in names:
                    strays.append(f"{file.relative_to(ROOT)}:{node.lineno} compares with {side.value!r}")
    assert not strays, strays
