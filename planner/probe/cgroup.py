"""What the control group (a container, a batch system's job) allows: memory, swap and CPU time, version 1 and 2.

A limit anywhere up the hierarchy binds, so every level up to the root is read. Only files are read; `root` lets a
recording stand in for the machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from planner.probe import sysfs

_NO_LIMIT = 2**60  # version 1 writes a huge number for "none"
MOST_LEVELS = 64
# What made the group, by how its path looks; the first that is found counts.
MAKERS = (
    (r"slurm", "a Slurm job"),
    (r"kubepods", "a Kubernetes pod"),
    (r"docker[-/]", "a Docker container"),
    (r"libpod", "a Podman container"),
    (r"/lxc", "an LXC container"),
    (r"pbs|torque|htcondor|/lsf", "a batch job"),
    (r"\.slice|\.scope|\.service", "a limit of systemd"),
)


@dataclass(frozen=True)
class Limits:
    """memory_bytes: the smallest limit, 0 if none; free_bytes: what may still be taken under it (file cache that can
    be dropped counts as free). swap_bytes: what may still be swapped out under the limits, −1 where none limits it.
    cores: of CPU time, 0.0 if no quota. maker: what the limit belongs to, for people."""

    memory_bytes: int = 0
    free_bytes: int = 0
    cores: float = 0.0
    swap_bytes: int = -1
    maker: str = ""


def limits(root: Path = Path("/")) -> Limits:
    """The tightest limits that hold for this process."""
    memory: list[tuple[int, int, str]] = []  # (limit, free under it, whose)
    cores: list[float] = []
    swap: list[int] = []
    inside = _inside(root)
    for controllers, path in _memberships(root):
        for level, named in _levels(root, controllers, path):
            if (limit := _memory_limit(level)) is not None:
                memory.append((limit, max(0, limit - _used(level)), maker(named) or inside))
                if (room := _swap_room(level, limit)) is not None:
                    swap.append(room)
            if (quota := _quota(level)) is not None:
                cores.append(quota)
    whole = min(memory, default=(0, 0, ""))
    free = min((f for _, f, _ in memory), default=0)
    return Limits(whole[0], free, min(cores, default=0.0), min(swap, default=-1), whole[2] if memory else "")


def maker(path: str) -> str:
    """What made a group of this path, in words; empty where it does not look like anything known."""
    return next((words for pattern, words in MAKERS if re.search(pattern, path)), "")


def _inside(root: Path) -> str:
    """What this is by the files that container engines leave inside: there the path of the group says nothing."""
    if (root / ".dockerenv").exists():
        return "a Docker container"
    return "a Podman container" if (root / "run/.containerenv").exists() else ""


def _memberships(root: Path) -> list[tuple[str, str]]:
    """(controllers, path) of /proc/self/cgroup; controllers are empty for version 2."""
    found = []
    for line in sysfs.text(root / "proc/self/cgroup").splitlines()[:MOST_LEVELS]:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers == "" or {"memory", "cpu"} & set(controllers.split(",")):
            found.append((controllers, path))
    return found


def _levels(root: Path, controllers: str, path: str) -> list[tuple[Path, str]]:
    """The group's folder and all above it, each with the path it has there; inside a container the path may name a
    folder only the host sees."""
    tops = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
    if controllers:
        tops = [root / "sys/fs/cgroup" / c for c in (controllers, *controllers.split(","))]
    parts = [p for p in path.split("/") if p not in ("", ".", "..")][:MOST_LEVELS]
    levels: dict[Path, str] = {}
    for top in tops:
        for deep in range(len(parts), -1, -1):
            level = top.joinpath(*parts[:deep])
            # at the root of the mount inside a container the limit is the one that the whole path has
            levels.setdefault(level, "/".join(["", *(parts[:deep] or parts)]))
    return list(levels.items())


def _memory_limit(level: Path) -> int | None:
    """`memory.high` binds as well: beyond it a program is held up until it is all but still."""
    found = [sysfs.number(level / name) for name in ("memory.max", "memory.high", "memory.limit_in_bytes")]
    return min((n for n in found if n is not None and n < _NO_LIMIT), default=None)


def _used(level: Path) -> int:
    used = sysfs.number(level / "memory.current")
    if used is None:
        used = sysfs.number(level / "memory.usage_in_bytes") or 0
    stat = sysfs.fields(sysfs.text(level / "memory.stat"), " ")
    cache = sysfs.whole(stat.get("total_inactive_file", stat.get("inactive_file", "0")))
    return max(0, used - (cache or 0))


def _swap_room(level: Path, limit: int) -> int | None:
    """What may still go to swap: version 2 limits swap alone, version 1 memory and swap together."""
    most = sysfs.number(level / "memory.swap.max")
    if most is not None:
        return max(0, most - (sysfs.number(level / "memory.swap.current") or 0))
    both = sysfs.number(level / "memory.memsw.limit_in_bytes")
    if both is None or both >= _NO_LIMIT:
        return None
    used = sysfs.number(level / "memory.usage_in_bytes") or 0
    swapped = max(0, (sysfs.number(level / "memory.memsw.usage_in_bytes") or used) - used)
    return max(0, both - limit - swapped)


def _quota(level: Path) -> float | None:
    """Cores of CPU time per second of clock time."""
    said = [sysfs.whole(word) for word in sysfs.text(level / "cpu.max", 64).split()]
    if len(said) == 2 and said[0] and said[1]:
        return said[0] / said[1]
    quota, period = sysfs.number(level / "cpu.cfs_quota_us"), sysfs.number(level / "cpu.cfs_period_us")
    return quota / period if quota and period else None
