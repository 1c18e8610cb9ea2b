"""The list of plan files opened or saved lately: one small file in a person's own folder. Qt-free."""

from __future__ import annotations

import json
from pathlib import Path

from planner.atomic_file import write_atomically
from planner.problem import ProblemError
from planner.run.home import home

RECENT = "recent.json"
MOST_RECENT = 12


def recent() -> list[Path]:
    """Those that still exist, newest first."""
    try:
        found = json.loads((home() / RECENT).read_text(encoding="utf-8"))
        return [p for p in map(Path, found) if p.is_file()][:MOST_RECENT]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def remember(path: Path) -> None:
    """Put a file at the top of the recent ones; a home that cannot be written is no reason to stop."""
    kept = [path.absolute(), *(p for p in recent() if p != path.absolute())][:MOST_RECENT]
    try:
        write_atomically(home() / RECENT, json.dumps([str(p) for p in kept]).encode())
    except ProblemError:
        return
