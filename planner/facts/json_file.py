"""Reads JSON that a stranger wrote: bounded in size, strict in form, and never anything but a value or a `Problem`.

Only regular files are opened (a pipe with the right name would hang the reader). Duplicate keys, NaN and numbers too
long to be sizes are refused here, so that the readers above check meanings, not encodings.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, NoReturn

from planner.problem import ProblemError, fail

CONFIG_LIMIT_BYTES = 16 * 1024**2


def size_of(path: Path, code: str) -> int:
    """Size of a regular file, following links. Raises `{code}_unreadable` for anything else."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, code, error.strerror or "it cannot be read") from None
    except ValueError:  # a NUL in the name
        raise _unreadable(path, code, "its name holds a character no file name can hold") from None
    if not stat.S_ISREG(found.st_mode):
        raise _unreadable(path, code, "it is not a regular file")
    return found.st_size


def read_bytes(path: Path, code: str, *, limit: int) -> bytes:
    """The whole file, or a Problem when it is larger than `limit` bytes."""
    size = size_of(path, code)
    if size > limit:
        raise fail(
            f"{code}_too_large",
            f"{path.name} has {size:,} bytes; such files have at most {limit:,}.",
            "Check that the file is what its name says.",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, code, error.strerror or "it cannot be read") from None


def parse_object(raw: bytes, name: str, code: str) -> dict[str, Any]:
    """The JSON object in `raw`. Raises `{code}_damaged`."""
    try:
        value = json.loads(raw, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        said = (
            str(error) if isinstance(error, json.JSONDecodeError | _DuplicateKeyError) else "it is not valid JSON text"
        )
        raise damaged(code, name, said) from None
    if not isinstance(value, dict):
        raise damaged(code, name, "it holds no JSON object")
    return value


def read_object(path: Path, code: str, *, limit: int = CONFIG_LIMIT_BYTES) -> dict[str, Any]:
    """The JSON object in a file. Raises `{code}_unreadable`, `{code}_too_large` or `{code}_damaged`."""
    return parse_object(read_bytes(path, code, limit=limit), path.name, code)


def damaged(code: str, name: str, said: str) -> ProblemError:
    return fail(f"{code}_damaged", f"{name} cannot be used: {said}.", "Fetch the file again, or choose another folder.")


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _DuplicateKeyError("it names a key twice")
    return made


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


def _unreadable(path: Path, code: str, said: str) -> ProblemError:
    return fail(f"{code}_unreadable", f"{path}: {said}.", "Check the path and who may read it.")
