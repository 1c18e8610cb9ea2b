"""What a dropped file or folder is, told by what is in it: a plan, a model, or rows. Qt-free; it reads a file's beginning.

Never called on the GUI thread. What is neither is given to the readers of rows, whose Problem then says why not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from planner.facts.formats.datasets_folder import is_datasets_folder
from planner.facts.model.gguf_parts import is_gguf

PLAN, MODEL, ROWS = "plan", "model", "rows"
LOOKED_AT_BYTES = 64 * 1024
_PLAN_KEYS = ("schema", "machine", "stages")


def what_it_is(path: Path) -> str:
    """plan, model or rows."""
    if path.is_dir():
        return ROWS if is_datasets_folder(path) and not (path / "config.json").is_file() else MODEL
    if is_gguf(path):
        return MODEL
    if path.suffix.lower() == ".json" and _is_plan(path):
        return PLAN
    return ROWS


def _is_plan(path: Path) -> bool:
    """Whether a .json file holds one object with a plan's own keys; one that cannot be read is taken for a plan, which
    says what is wrong with it."""
    try:
        with path.open("rb") as f:
            begins = f.read(LOOKED_AT_BYTES)
            more = bool(f.read(1))
    except OSError:
        return True
    text = begins.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if not text.startswith("{"):
        return not text.startswith("[")
    if more:
        return re.search(r'"schema"\s*:', text) is not None and re.search(r'"model"\s*:\s*\{', text) is not None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "\n{" not in text  # one broken object, not lines of them
    return isinstance(value, dict) and any(key in value for key in _PLAN_KEYS)
