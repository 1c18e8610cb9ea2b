"""Small files of a run and of the queue, read as whatever a stranger may have put there: bounded, and never a pipe that waits.

It knows no file's meaning. What cannot be read raises OSError or ValueError here, or is empty in `mapping_of`.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

LARGEST_BYTES = 4 * 1024**2
_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)  # opening a pipe would wait for its writer


def text_of(path: Path, most: int = LARGEST_BYTES) -> str:
    """The file's text. Raises OSError, and ValueError for what is no file, is too long, is not text or has no such name."""
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is not a file")
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it is longer than {most // 1024:,} KiB")
    return data.decode()


def mapping_of(path: Path, most: int = LARGEST_BYTES) -> dict[str, Any]:
    """The JSON object in it; empty where there is none. Raises nothing."""
    try:
        found = json.loads(text_of(path, most))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
