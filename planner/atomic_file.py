"""Writes a file so that a reader sees the old one or the new one, never half of it, also after a power cut."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from planner.problem import fail


def write_atomically(path: Path, content: bytes) -> None:
    """Write aside, fsync, rename. Raises ProblemError `file.not_written` with the system's reason."""
    write_pieces_atomically(path, (content,))


def write_pieces_atomically(path: Path, pieces: Iterable[bytes]) -> None:
    """The same of a file too large to be held whole. What `pieces` raises goes through, and nothing is written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    except OSError as error:
        raise _refused(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).chmod(0o644)  # mkstemp's 0600 would hide a plan from the person's own group
        Path(aside).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        raise _refused(path, error) from None
    except BaseException:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        raise


def _refused(path: Path, error: OSError) -> Exception:
    return fail(
        "file.not_written",
        f"{str(path)!r} could not be written: {error.strerror or error}.",
        "Choose another folder, or free some space and try again.",
    )
