"""What a folder of files holds, at a glance: a model, an adapter, GGUF files, and whether all of it is there.

For lists of many folders: headers are read and no facts are computed. Anything that is wrong becomes a sentence with
what to do; nothing here raises.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from planner.facts.json_file import parse_object, read_object
from planner.facts.model.adapter import CONFIG as ADAPTER_CONFIG
from planner.facts.model.adapter import read_adapter
from planner.facts.model.folder import TOKENIZERS
from planner.facts.model.gguf_header import read_gguf_header
from planner.facts.model.gguf_parts import is_gguf, is_later_part, parts_of, plain_name
from planner.facts.model.safetensors_header import (
    CODE,
    HEADER_LIMIT_BYTES,
    INDEX,
    INDEX_LIMIT_BYTES,
    SINGLE,
    read_header,
)
from planner.problem import ProblemError

WHOLE, PARTIAL, BROKEN, GATED = "whole", "partial", "broken", "gated"
MODEL, ADAPTER, GGUF = "model", "adapter", "gguf"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
MOST_FILES = 5000
AGAIN = "Download it again; what is there already is kept."


@dataclass(frozen=True)
class CachedModel:
    """One thing found on this computer. kind: model, adapter or gguf. path: its folder, or its .gguf file.

    state: whole, partial, broken or gated; says: for all but whole ones, what is wrong and what to do. base: of an
    adapter, the model that it belongs to. bytes: of all its files that are there.
    """

    name: str
    path: Path
    kind: str
    bytes: int
    state: str = WHOLE
    says: str = ""
    base: str = ""
    detail: str = ""  # what it is, in few words


def look_at(folder: Path, name: str) -> tuple[CachedModel, ...]:
    """What the folder holds: one model or adapter, or each of its GGUF files; nothing where it holds none of these."""
    files = _files(folder)
    if ADAPTER_CONFIG in files:
        return (_adapter(folder, name, files),)
    ggufs = [p for p in sorted(files.values()) if is_gguf(p) and not is_later_part(p)]
    weights = [n for n in files if n.endswith(".safetensors")]
    pickled = [n for n in files if n.endswith(PICKLES)]
    if ggufs and not weights:
        return tuple(_gguf(p, name if len(ggufs) == 1 else f"{name}/{plain_name(p)}") for p in ggufs)
    if not weights and not pickled and "config.json" not in files and INDEX not in files:
        return ()
    state, says = _model(folder, files, weights, pickled)
    return (CachedModel(name, folder, MODEL, bytes_of(files), state, says),)


def _files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) == MOST_FILES:
                    break
                if entry.is_symlink() or entry.is_file():
                    found[entry.name] = folder / entry.name
    except (OSError, ValueError):
        return {}
    return found


def bytes_of(files: dict[str, Path]) -> int:
    """Sizes of all that is there, links followed."""
    return sum(_size(p) for p in files.values())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _adapter(folder: Path, name: str, files: dict[str, Path]) -> CachedModel:
    try:
        found = read_adapter(folder, name=name)
    except ProblemError as error:
        problem = error.problem
        gone = _dangling(files)
        state = PARTIAL if gone or problem.code == "adapter.no_weights" or _short(files) else BROKEN
        says = _dangles(gone) if gone else f"{problem.fact} {problem.advice}"
        return CachedModel(name, folder, ADAPTER, bytes_of(files), state, says)
    return CachedModel(name, folder, ADAPTER, bytes_of(files), WHOLE, "", found.base, found.words)


def _gguf(path: Path, name: str) -> CachedModel:
    try:
        parts = parts_of(path)
        size = sum(_size(p) for p in parts)
        for part in parts:
            _gguf_header(part, _size(part), _changed(part))
    except ProblemError as error:
        problem = error.problem
        broken = problem.code not in ("gguf.cut_short", "model.shard_missing")
        says = _dangles([path.name]) if path.is_symlink() and not path.exists() else f"{problem.fact} {problem.advice}"
        return CachedModel(name, path, GGUF, _size(path), BROKEN if broken else PARTIAL, says, detail="GGUF")
    return CachedModel(name, path, GGUF, size, detail="GGUF")


def _model(folder: Path, files: dict[str, Path], weights: list[str], pickled: list[str]) -> tuple[str, str]:
    """(state, what is wrong and what to do)."""
    if gone := _dangling(files):
        return PARTIAL, _dangles(gone)
    if not weights and INDEX not in files:
        if pickled:
            return BROKEN, (
                "Its weights are pickle files, which can run any program when they are opened. Choose the model's "
                "safetensors version."
            )
        return PARTIAL, f"Its weights are not here. {AGAIN}"
    if "config.json" not in files:
        return PARTIAL, f"Its config.json is not here. {AGAIN}"
    if missing := _missing_shards(folder, files):
        return PARTIAL, f"{len(missing)} of its files are not here, the first is {missing[0]}. {AGAIN}"
    for name in sorted(weights):
        path = files[name]
        try:
            _header(path, _size(path), _changed(path))
        except ProblemError as error:
            if _is_short(path):
                return PARTIAL, f"{name} is cut short: it was not fetched whole. {AGAIN}"
            return BROKEN, f"{error.problem.fact} {error.problem.advice}"
    if not set(TOKENIZERS) & set(files):
        return PARTIAL, f"Its tokenizer is not here. {AGAIN}"
    return WHOLE, ""


def _dangling(files: dict[str, Path]) -> list[str]:
    """Links whose bytes are gone."""
    return sorted(name for name, path in files.items() if path.is_symlink() and not path.exists())


def _dangles(names: list[str]) -> str:
    return f"{names[0]} points to bytes that are not there: they were removed, or never arrived. {AGAIN}"


def _missing_shards(folder: Path, files: dict[str, Path]) -> list[str]:
    if SINGLE in files or INDEX not in files:
        return []
    try:
        where = read_object(folder / INDEX, CODE, limit=INDEX_LIMIT_BYTES).get("weight_map")
    except ProblemError:
        return [f"a readable {INDEX}"]
    if not isinstance(where, dict):
        return [f"a readable {INDEX}"]
    return sorted({v[:120] for v in where.values() if isinstance(v, str)} - set(files))


def _short(files: dict[str, Path]) -> bool:
    return any(_is_short(p) for n, p in files.items() if n.endswith(".safetensors"))


def _is_short(path: Path) -> bool:
    """Whether a safetensors file has fewer bytes than it says itself."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                return size < 8 or length <= HEADER_LIMIT_BYTES
            header = parse_object(file.read(length), path.name, CODE)
        ends = [e["data_offsets"][1] for n, e in header.items() if n != "__metadata__"]
        return bool(ends) and 8 + length + max(ends) > size
    except (OSError, ProblemError, KeyError, IndexError, TypeError):
        return False


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1024)
def _header(path: Path, _size: int, _changed: int) -> int:
    """How many tensors; of a file that has not changed it is not read again."""
    return len(read_header(path))


@lru_cache(maxsize=1024)
def _gguf_header(path: Path, _size: int, _changed: int) -> int:
    return len(read_gguf_header(path).tensors)
