"""Finds the assets folder, in a wheel (`planner/_assets`) and in a checkout (`assets/` beside the packages)."""

from __future__ import annotations

from pathlib import Path


def asset(*parts: str) -> Path:
    """The path of an asset: `asset("sample", "questions.jsonl")`. It may not exist; the reader says so."""
    here = Path(__file__).resolve().parent
    root = here / "_assets"
    if not root.is_dir():
        root = here.parent / "assets"
    return root.joinpath(*parts)
