"""Checks at start that `app`, `planner` and `backends` are this program's own: their names are common ones.

A folder called `planner` in the working directory would otherwise be run in place of ours. Imports nothing of ours
but `app`, since anything else may be the stranger; `backends` is read, never imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from app import PRODUCT

MARK = f'PRODUCT = "{PRODUCT}"'


def foreign_package() -> str:
    """One sentence about the first package that is not ours; empty when all are."""
    home = Path(__file__).resolve().parent.parent
    for name in ("planner", "backends"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            return f"The package {name!r} of this program is missing beside {str(home)!r}. Install the program again."
        origin = Path(spec.origin)
        try:
            ours = MARK in origin.read_text(encoding="utf-8", errors="replace")
        except OSError:
            ours = False
        if not ours:
            return (
                f"Another package called {name!r} stands in the way: {str(origin)!r}. "
                "Start the program from another folder, or rename that one."
            )
    return ""
