"""When, from what and with which versions a result was made: the part that every file of `results/` begins with."""

from __future__ import annotations

import json
import platform
import subprocess
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "plimsoll-planner"


def provenance(rows: Path) -> dict[str, Any]:
    """commit ends in + when files of the program were changed since. rows: name and hash of the scored file."""
    return {
        "commit": commit(),
        "version": _version(),
        "python": platform.python_version(),
        "rows_file": rows.name,
        "rows_sha256": sha256(rows.read_bytes()).hexdigest()[:16],
    }


def kept(name: str) -> dict[str, Any] | None:
    """The results of this name in the tree, None where nothing was measured."""
    file = ROOT / "benchmarks" / "results" / name
    found: dict[str, Any] | None = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    return found


def commit() -> str:
    """Of this checkout, `unknown` outside one."""
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "planner", "assets", "benchmarks/truth")
    return (head or "unknown") + ("+" if changed else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "not installed"
