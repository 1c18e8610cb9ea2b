"""How much room each run takes on the disk, and how much of it are checkpoints. It counts and deletes nothing.

Counted apart from the list of runs, which must not wait for it: a run has many files. What has not changed since the
last count is not counted again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from planner.run import layout
from planner.run.library import Library, RunSummary, Stamp, stamp_of

DEEPEST = 32  # folders within folders; a run of ours has three


@dataclass(frozen=True)
class DiskUse:
    """Bytes of one run. stamp: dates that change when something is written or removed."""

    stamp: Stamp
    total_bytes: int
    checkpoint_bytes: int


def count(library: Library, before: Mapping[str, DiskUse]) -> dict[str, DiskUse]:
    """The use of every run by folder name; what has not changed is taken from `before`. Raises nothing."""
    found: dict[str, DiskUse] = {}
    for run in library.runs:
        stamp = _stamp(run.run_dir)
        known = before.get(run.key)
        found[run.key] = known if known is not None and known.stamp == stamp else _use(run.run_dir, stamp)
    return found


def with_disk(library: Library, uses: Mapping[str, DiskUse]) -> Library:
    """The same library with `disk_bytes` filled in where it was counted."""
    return replace(library, runs=tuple(_filled(run, uses.get(run.key)) for run in library.runs))


def _filled(run: RunSummary, use: DiskUse | None) -> RunSummary:
    return run if use is None or use.total_bytes == run.disk_bytes else replace(run, disk_bytes=use.total_bytes)


def _use(run_dir: Path, stamp: Stamp) -> DiskUse:
    return DiskUse(stamp, bytes_under(run_dir), bytes_under(run_dir / layout.CHECKPOINTS))


def _stamp(run_dir: Path) -> Stamp:
    dates = []
    for folder in (run_dir, run_dir / layout.CHECKPOINTS, run_dir / layout.RESULT):
        try:
            dates.append(folder.stat().st_mtime_ns)
        except OSError:
            dates.append(0)
    return (*stamp_of(run_dir), *dates)


def bytes_under(folder: Path, depth: int = 0) -> int:
    """The sizes of all files in here. Links are not followed; what cannot be read counts nothing."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        total += bytes_under(Path(entry.path), depth + 1) if depth < DEEPEST else 0
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
                except OSError:
                    continue
    except OSError:
        return 0
    return total
