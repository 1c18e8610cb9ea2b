"""Which checkpoints of a run are whole, read from its folder: for the worker that goes on from one, and for those who say so.

It writes none and removes none; `backends.checkpoint` does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planner.run import layout

MANIFEST = "checkpoint.json"


def complete(run_dir: Path) -> list[Path]:
    """The checkpoints that are whole, earliest first: each file of the manifest is there in its size.

    A file that is neither safetensors nor JSON is not ours, and the libraries would open some of them as pickle.
    """
    found = []
    for folder in (run_dir / layout.CHECKPOINTS).glob("step-*"):
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            whole = all((folder / name).stat().st_size == size for name, size in manifest["files"].items())
            if whole and all(path.suffix in (".safetensors", ".json") for path in folder.iterdir()):
                found.append((int(manifest["step"]), folder))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return [folder for _, folder in sorted(found)]


def latest(run_dir: Path) -> Path | None:
    """The checkpoint to resume from."""
    found = complete(run_dir)
    return found[-1] if found else None


def manifest(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return read


def latest_step(run_dir: Path) -> int:
    """The step that a worker would go on from; 0 where it would begin anew."""
    found = latest(run_dir)
    return int(manifest(found)["step"]) if found else 0
