"""Writes a file so that a reader sees the old one or the new one, never half of it, also after a power cut."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from planner.problem import fail


def write_atomically(path: Path, content: bytes) -> None:
    """Write aside, fsync, rename. Raises ProblemError `file.not_written` with the system's reason."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    except OSError as error:
        raise _refused(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).chmod(0o644)  # mkstemp's 0600 would hide a plan from the person's own group
        Path(aside).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        raise _refused(path, error) from None


def _refused(path: Path, error: OSError) -> Exception:
    return fail(
        "file.not_written",
        f"{str(path)!r} could not be written: {error.strerror or error}.",
        "Choose another folder, or free some space and try again.",
    )
