"""Opens a file of any kind, and tells one file from another by its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from planner.facts.formats import plain_text
from planner.facts.formats.csv_table import open_csv
from planner.facts.formats.datasets_folder import files_of, open_arrow, open_folder
from planner.facts.formats.json_list import json_rows
from planner.facts.formats.jsonl import jsonl_rows
from planner.facts.formats.kind import format_of
from planner.facts.formats.parquet import open_parquet
from planner.facts.formats.raw import FILE_LIMIT_BYTES, Opened, unreadable
from planner.problem import fail


def open_rows(path: Path) -> Opened:
    """The rows of a file or folder. Raises ProblemError `data.*`, now or while rows are drawn."""
    kind = format_of(path)
    if kind == "datasets":
        return open_folder(path, open_rows)
    if kind == "parquet":
        return open_parquet(path)
    if kind == "arrow":
        return open_arrow(path)
    if kind == "csv":
        return open_csv(path)
    if kind == "text":
        return Opened("text", plain_text.text_rows(path), "Piece", (plain_text.NOTE,))
    return Opened("json", json_rows(path)) if kind == "json" else Opened("jsonl", jsonl_rows(path), "Line")


def size_and_digest(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256: of a file its own, of a folder that of what is read of it. Raises ProblemError `data.*`."""
    if format_of(path) != "datasets":
        return _of_file(path)
    files, _ = files_of(path)
    size, digest = 0, hashlib.sha256()
    for file in files:
        of_file, sha256 = _of_file(file)
        size += of_file
        digest.update(f"{file.relative_to(path).as_posix()}\n{of_file}\n{sha256}\n".encode("utf-8", "surrogateescape"))
    return size, digest.hexdigest()


Stamp = tuple[tuple[int, int], ...]
"""Of each file that is read: its bytes, and when it was written, in nanoseconds."""


def stamp_of(path: Path) -> Stamp:
    """Two that are equal: nobody has written to the rows between them. Raises ProblemError `data.*`."""
    files = files_of(path)[0] if format_of(path) == "datasets" else [path]
    try:
        return tuple([(found.st_size, found.st_mtime_ns) for found in (file.stat() for file in files)])
    except OSError as error:
        raise unreadable(path, error.strerror or "it cannot be read") from None


def check_size(path: Path, stamp: Stamp) -> None:
    """Raises ProblemError `data.too_large`."""
    size = sum(size for size, _ in stamp)
    if size > FILE_LIMIT_BYTES:
        raise fail("data.too_large", f"{path.name} has {size:,} bytes.", "Split it: one file may have 64 GiB.")


def check_unchanged(path: Path, stamp: Stamp) -> None:
    """Raises ProblemError `data.changing` where somebody has written to the rows since."""
    if stamp_of(path) != stamp:
        raise fail(
            "data.changing",
            f"{path.name} was written to while it was read.",
            "Wait until whatever writes it is done, then choose it again.",
        )


def _of_file(file: Path) -> tuple[int, str]:
    try:
        with file.open("rb") as f:
            sha256 = hashlib.file_digest(f, "sha256").hexdigest()
            return f.tell(), sha256
    except OSError as error:
        raise unreadable(file, error.strerror or "it cannot be read") from None
