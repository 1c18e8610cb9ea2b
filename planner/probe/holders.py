"""Who holds memory now: other programs by name, the largest first. Names only; no command lines, no users."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from planner.probe import sysfs

TOP = 5
SMALLEST_BYTES = 32 * 1024**2


def largest(held: Iterable[tuple[str, int]]) -> list[dict[str, str | int]]:
    """The top five of (name, bytes), processes of one name added up, tiny ones left out."""
    total: dict[str, int] = {}
    for name, size in held:
        total[name] = total.get(name, 0) + size
    most = sorted(total.items(), key=lambda x: (-x[1], x[0]))[:TOP]
    return [{"name": name, "bytes": size} for name, size in most if size >= SMALLEST_BYTES]


def host_processes(own: frozenset[int]) -> list[tuple[str, int]]:
    """(name, bytes of its own) of every process but `own`: resident memory without what it shares with others."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.pid in own:
                continue
            memory = process.memory_info()
            found.append((process.name()[:60], max(0, memory.rss - getattr(memory, "shared", 0))))
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or is not ours to look at
    return found


def name_of_process(pid: int, root: Path = Path("/")) -> str:
    """The name by which the kernel knows a process; it may be another person's."""
    return sysfs.text(root / "proc" / str(pid) / "comm", 64)[:60] or f"process {pid}"
