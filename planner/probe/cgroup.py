"""What the control group (a container, a batch system's job) allows: memory and CPU time, version 1 and 2.

A limit anywhere up the hierarchy binds, so every level up to the root is read. Only files are read; `root` lets a
recording stand in for the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT = 2**60  # version 1 writes a huge number for "none"


@dataclass(frozen=True)
class Limits:
    """memory_bytes: the smallest limit, 0 if none; free_bytes: what may still be taken under it (file cache that can
    be dropped counts as free). cores: of CPU time, 0.0 if no quota."""

    memory_bytes: int = 0
    free_bytes: int = 0
    cores: float = 0.0


def limits(root: Path = Path("/")) -> Limits:
    """The tightest limits that hold for this process."""
    memory: list[tuple[int, int]] = []  # (limit, free under it)
    cores: list[float] = []
    for controllers, path in _memberships(root):
        for level in _levels(root, controllers, path):
            if (limit := _memory_limit(level)) is not None:
                memory.append((limit, max(0, limit - _used(level))))
            if (quota := _quota(level)) is not None:
                cores.append(quota)
    return Limits(
        min((m for m, _ in memory), default=0), min((f for _, f in memory), default=0), min(cores, default=0.0)
    )


def _memberships(root: Path) -> list[tuple[str, str]]:
    """(controllers, path) of /proc/self/cgroup; controllers are empty for version 2."""
    found = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "" or {"memory", "cpu"} & set(controllers.split(",")):
            found.append((controllers, path))
    return found


def _levels(root: Path, controllers: str, path: str) -> list[Path]:
    """The group's folder and all above it; inside a container the path may name a folder only the host sees."""
    tops = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
    if controllers:
        tops = [root / "sys/fs/cgroup" / c for c in (controllers, *controllers.split(","))]
    levels: dict[Path, None] = {}
    for top in tops:
        at = top / path.lstrip("/")
        for level in (at, *at.parents):
            if level == top or top in level.parents:
                levels[level] = None
    return list(levels)


def _memory_limit(level: Path) -> int | None:
    for name in ("memory.max", "memory.limit_in_bytes"):
        value = _number(level / name)
        if value is not None and value < _NO_LIMIT:
            return value
    return None


def _used(level: Path) -> int:
    used = _number(level / "memory.current")
    if used is None:
        used = _number(level / "memory.usage_in_bytes") or 0
    stat = dict(line.split(" ", 1) for line in _text(level / "memory.stat").splitlines() if " " in line)
    cache = stat.get("total_inactive_file", stat.get("inactive_file", "0"))
    return max(0, used - int(cache)) if cache.isdecimal() else used


def _quota(level: Path) -> float | None:
    """Cores of CPU time per second of clock time."""
    said = _text(level / "cpu.max").split()
    if len(said) == 2 and said[0].isdecimal() and said[1].isdecimal() and int(said[1]):
        return int(said[0]) / int(said[1])
    quota, period = _number(level / "cpu.cfs_quota_us"), _number(level / "cpu.cfs_period_us")
    return quota / period if quota and period else None


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() and len(text) < 25 else None  # "max" and −1 mean none


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
