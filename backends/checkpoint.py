"""Folders that are whole on disk or not there at all: checkpoints, results, converted models.

A folder is written aside, brought to the disk, and renamed; what it replaces is removed only afterwards. What lies in
it is the business of `backends.states`; nothing here needs torch, so a worker can say where it will go on before
it has loaded a library.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backends.failure import disk_full, is_disk_full
from planner.problem import ProblemError
from planner.run import layout
from planner.run.checkpoints import MANIFEST, complete, latest, manifest

__all__ = ["MANIFEST", "complete", "latest", "manifest"]

KEEP = 2
ROOM_BYTES = 16 * 1024 * 1024  # left free beside a checkpoint, for the journal and for the system


def write_whole(target: Path, fill: Callable[[Path], None], *, if_full: str = "") -> None:
    """Let `fill` write the files of a folder, then give it its name, replacing one of that name.

    Raises what `fill` raises, or ProblemError `disk.full` with `if_full` in its fact; then the folder of that name is
    as it was, and nothing is left of the attempt.
    """
    aside, old = (target.with_name(f".{target.name}.{word}") for word in ("partial", "old"))
    shutil.rmtree(aside, ignore_errors=True)
    _put_back(old, target)
    try:
        aside.mkdir(parents=True)
        fill(aside)
        for path in aside.iterdir():
            _sync(path)
        _sync(aside)
        if target.exists():
            target.rename(old)
        aside.rename(target)
        _sync(target.parent)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        _put_back(old, target)
        if is_disk_full(error):
            raise ProblemError(disk_full(str(target.parent), if_full)) from error
        raise
    shutil.rmtree(old, ignore_errors=True)


def _put_back(old: Path, target: Path) -> None:
    """What was to be replaced, and was not, gets its name again; else it goes."""
    with contextlib.suppress(OSError):
        if old.exists() and not target.exists():
            old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    if os.name == "nt" and path.is_dir():
        return  # Windows has no handle for that
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(run_dir: Path, step: int, fill: Callable[[Path], None], facts: dict[str, Any]) -> tuple[Path, int]:
    """A checkpoint with a manifest that holds `facts`; older ones beyond the last two go. Returns (folder, bytes)."""
    sizes: dict[str, int] = {}

    def fill_and_list(folder: Path) -> None:
        fill(folder)
        sizes.update((p.name, p.stat().st_size) for p in sorted(folder.iterdir()))
        (folder / MANIFEST).write_text(json.dumps({"step": step, "files": sizes, **facts}), encoding="utf-8")

    parent = run_dir / layout.CHECKPOINTS
    for left_over in parent.glob(".step-*"):  # of a worker that was killed while it wrote or removed
        shutil.rmtree(left_over, ignore_errors=True)
    last = latest(run_dir)
    said = f"The checkpoint of step {manifest(last)['step']} is whole." if last else ""
    write_whole(parent / f"step-{step}", fill_and_list, if_full=said)
    prune(run_dir, KEEP)
    return parent / f"step-{step}", sum(sizes.values())


def prune(run_dir: Path, keep: int) -> int:
    """Remove all but the latest `keep` checkpoints; returns how many went."""
    old = complete(run_dir)[:-keep]
    for folder in old:
        aside = folder.with_name(f".{folder.name}.gone")  # else a kill in between leaves a part nobody removes
        with contextlib.suppress(OSError):
            folder.rename(aside)
        shutil.rmtree(aside if aside.exists() else folder, ignore_errors=True)
    return len(old)


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def sha256_of_weights(folder: Path) -> str:
    """One sum over the safetensors files of a saved model, in order of name."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
