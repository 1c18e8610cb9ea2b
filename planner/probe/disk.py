"""Free space where runs are kept. Runs in a child process: a network disk that is away can hang."""

from __future__ import annotations

import shutil
from pathlib import Path


def probe(folder: str) -> dict[str, int]:
    """Bytes free at the folder, or at the nearest one above it that exists."""
    at = Path(folder).absolute()
    while not at.exists() and at != at.parent:
        at = at.parent
    return {"free_bytes": shutil.disk_usage(at).free}
