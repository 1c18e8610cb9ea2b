"""Which kind of file somebody has chosen: from its first bytes where they tell, else from its name."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from planner.facts.formats.datasets_folder import is_datasets_folder
from planner.facts.formats.lines import UTF8_MARK
from planner.facts.formats.parquet import MAGIC
from planner.facts.formats.raw import unreadable
from planner.problem import ProblemError, fail

FORMATS = ("jsonl", "json", "csv", "parquet", "datasets", "text")
BY_NAME = {".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "text", ".text": "text", ".md": "text"}
LOOKED_AT_BYTES = 64 * 1024
PACKED = {
    b"\x1f\x8b": "packed with gzip",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "a database",
    b"%PDF": "a PDF",
    b"GGUF": "a GGUF model",
}


def format_of(path: Path) -> str:
    """One of FORMATS, or arrow for a single Arrow file. Raises ProblemError `data.file_unreadable`, `data.other_kind`."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            if not is_datasets_folder(path):
                raise unreadable(path, "it is a folder that holds no rows")
            return "datasets"
        if not stat.S_ISREG(mode):
            raise unreadable(path, "it is not a regular file")
        with path.open("rb") as f:
            begins = f.read(LOOKED_AT_BYTES)
    except OSError as error:
        raise unreadable(path, error.strerror or "it cannot be read") from None
    except ValueError:  # a NUL in the name
        raise unreadable(path, "its name holds a character no file name can hold") from None
    return _by_bytes(path, begins)


def _by_bytes(path: Path, begins: bytes) -> str:
    for mark, said in PACKED.items():
        if begins.startswith(mark):
            raise _other_kind(path, said)
    suffix = path.suffix.lower()
    if begins.startswith(MAGIC) or suffix == ".parquet":
        return "parquet"
    if begins.startswith(b"ARROW1") or suffix == ".arrow":
        return "arrow"
    if named := BY_NAME.get(suffix):
        return named
    text = begins.removeprefix(UTF8_MARK).lstrip()
    if text.startswith(b"["):
        return "json"
    if text.startswith(b"{") and suffix == ".json":
        line, _, rest = text.partition(b"\n")
        return "jsonl" if _is_json(line) and rest.strip() else "json"
    return "jsonl"


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _other_kind(path: Path, said: str) -> ProblemError:
    return fail(
        "data.other_kind",
        f"{path.name} is {said}.",
        "Unpack it, or save the rows as JSONL, JSON, CSV, Parquet or plain text.",
    )
