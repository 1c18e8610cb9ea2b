"""The code that predicts cannot know whose row it has: it imports no label, and asks of a model's name its shapes only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.provenance import ROOT

TRUTH = ROOT / "benchmarks" / "truth"
# what reads, scores and prints; everything else in the folder predicts
HARNESS = {
    "__init__",
    "__main__",
    "boundary",
    "evidence",
    "fitted",
    "label",
    "readings",
    "report",
    "rows",
    "run",
    "score",
    "trust",
}
DRY_RUN = TRUTH / "dry_run"
DRY_RUN_HARNESS = {"__init__", "cells", "summary"}  # keeps, scores and prints what was traced
PREDICTING = sorted(
    [p for p in TRUTH.glob("*.py") if p.stem not in HARNESS]
    + [p for p in DRY_RUN.glob("*.py") if p.stem not in DRY_RUN_HARNESS]
)
CLOSED = {f"benchmarks.truth.{name}" for name in HARNESS - {"__init__"}} | {
    f"benchmarks.truth.dry_run.{name}" for name in DRY_RUN_HARNESS - {"__init__"}
}
TELLING = ("litgpt", "fitcheck", "qwenlm", "torchtune", "huggingface/", "qlora_two_phase", "badam-", "l31-", "hfdoc")


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{a.name}" for a in node.names)


@pytest.mark.parametrize("file", PREDICTING, ids=lambda p: p.stem)
def test_what_predicts_imports_no_label_and_no_score(file: Path) -> None:
    assert not set(imports(file)) & CLOSED


def is_lookup(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """`find(row.model_key)`, `row.model_key is None` or `not row.model_key`: nothing can be learnt from a name by these."""
    parent = parents[node]
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Name) and parent.func.id == "find"
    if isinstance(parent, ast.Compare):
        return all(isinstance(c, ast.Constant) and c.value is None for c in parent.comparators)
    return isinstance(parent, (ast.UnaryOp, ast.BoolOp, ast.If, ast.IfExp))


@pytest.mark.parametrize("file", PREDICTING, ids=lambda p: p.stem)
def test_a_models_name_is_used_to_find_its_shapes_only(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    uses = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "model_key"]
    assert [n.lineno for n in uses if not is_lookup(n, parents)] == []


@pytest.mark.parametrize("file", PREDICTING, ids=lambda p: p.stem)
def test_no_text_in_what_predicts_is_the_name_of_a_source(file: Path) -> None:
    """Docstrings may say where a habit was read; a value that code compares or looks up may not."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        n.value.casefold()
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in told
    ]
    assert [t for t in texts if any(name in t for name in TELLING)] == []
