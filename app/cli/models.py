"""`plimsoll models`: what lies on this computer, whole or not, and what is wrong with what is not. Fetches nothing."""

from __future__ import annotations

import argparse
from typing import Any

from app.cli import output
from app.cli.exits import Exit
from planner.facts.model.adapter import read_adapter
from planner.facts.model.folder_state import ADAPTER, WHOLE, CachedModel
from planner.models_here import base_folder, models_here
from planner.presets import embedded_model
from planner.problem import ProblemError
from planner.units import words

HELP = "the models and adapters on this computer, and what is wrong with those that are not whole"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of words")


def run(given: argparse.Namespace) -> Exit:
    found = models_here()
    if given.json:
        output.line(output.json_text({"models": [as_json(m, found) for m in found]}, indent=2))
        return Exit.OK
    if not found:
        beside = " beside the embedded one" if embedded_model().path else ""
        output.line(f"No model is on this computer{beside}. `plimsoll get-model NAME` fetches one.")
        return Exit.OK
    rows = [("name", "kind", "size", "state"), *((m.name, m.detail or m.kind, words(m.bytes), m.state) for m in found)]
    head, *lines = output.table(rows, right=frozenset({2}))
    output.line(head)
    for model, text in zip(found, lines, strict=True):
        output.line(text)
        output.line(f"    {model.path}")
        if model.state != WHOLE:
            output.line(f"    {model.says}")
        elif model.base:
            there = "" if base_folder(model.base, found) else ", which is not on this computer"
            output.line(f"    trained on {model.base}{there}")
    return Exit.OK


def as_json(model: CachedModel, found: tuple[CachedModel, ...]) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": model.name,
        "path": str(model.path),
        "kind": model.kind,
        "bytes": model.bytes,
        "state": model.state,
        "says": model.says,
    }
    if model.kind != ADAPTER or model.state != WHOLE:
        return plain
    try:
        adapter = read_adapter(model.path, name=model.name)
    except ProblemError:
        return plain
    base = base_folder(adapter.base, found) if adapter.base else None
    return plain | {
        "adapter": adapter.kind,
        "rank": adapter.rank,
        "base": adapter.base,
        "base_path": str(base) if base else "",
        "differs": list(adapter.differs),
    }
