"""The copy of an unsaved plan, and the list of recent files: small files in a person's own folder. Qt-free."""

from __future__ import annotations

import json
from pathlib import Path

from planner import plan_file
from planner.atomic_file import write_atomically
from planner.plan import Plan
from planner.problem import ProblemError
from planner.run.home import home

RECOVERY = "unsaved.json"
RECENT = "recent.json"
MOST_RECENT = 12


def recovery_path() -> Path:
    return home() / RECOVERY


def keep(plan: Plan, path: Path | None) -> None:
    """Write the copy, whole or not at all. Raises ProblemError `file.not_written`."""
    value = {"path": str(path or ""), "plan": plan_file.plan_to_json(plan)}
    write_atomically(recovery_path(), json.dumps(value).encode())


def recovered() -> tuple[Plan, Path | None] | None:
    """The plan a previous window left unsaved, None if there is none that can be read."""
    try:
        value = json.loads(recovery_path().read_text(encoding="utf-8"))
        return plan_file.plan_from_json(value["plan"]), Path(value["path"]) if value["path"] else None
    except (OSError, ValueError, KeyError, TypeError, ProblemError):
        return None


def recent() -> list[Path]:
    """Plan files opened or saved lately that still exist, newest first."""
    try:
        found = json.loads((home() / RECENT).read_text(encoding="utf-8"))
        return [p for p in map(Path, found) if p.is_file()][:MOST_RECENT]
    except (OSError, ValueError, TypeError):
        return []


def remember(path: Path) -> None:
    """Put a file at the top of the recent ones; a home that cannot be written is no reason to stop."""
    kept = [path.absolute(), *(p for p in recent() if p != path.absolute())][:MOST_RECENT]
    try:
        write_atomically(home() / RECENT, json.dumps([str(p) for p in kept]).encode())
    except ProblemError:
        return
