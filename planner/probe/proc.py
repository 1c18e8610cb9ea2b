"""RAM and swap from Linux's `/proc`: cheap enough to be read every few seconds, and from a recording.

psutil reads the same file; what it leaves out is where the swap lies. Swap in RAM (zram) makes room by compressing, so
its free space is no more room than the RAM that it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planner.probe import sysfs

KIB = 1024


@dataclass(frozen=True)
class Memory:
    """Bytes. compressed_swap: all of the swap is compressed RAM."""

    total: int
    available: int
    swap_total: int
    swap_free: int
    compressed_swap: bool = False


def memory(root: Path = Path("/")) -> Memory | None:
    """What `/proc/meminfo` says; None where it cannot be read. Free and file pages stand in where an old kernel does not
    say what is available."""
    said = sysfs.fields(sysfs.text(root / "proc/meminfo"))
    total = _kib(said, "MemTotal")
    if not total:
        return None
    available = _kib(said, "MemAvailable")
    if available is None:
        available = sum(_kib(said, name) or 0 for name in ("MemFree", "Buffers", "Cached"))
    swaps = sysfs.text(root / "proc/swaps").splitlines()[1:]
    return Memory(
        total,
        min(available, total),
        _kib(said, "SwapTotal") or 0,
        min(_kib(said, "SwapFree") or 0, _kib(said, "SwapTotal") or 0),
        compressed_swap=bool(swaps) and all(line.startswith("/dev/zram") for line in swaps),
    )


def swapped_bytes(status: str | bytes) -> int:
    """What of a process lies in swap, from its `/proc/<pid>/status`; 0 where that does not say."""
    text = status.decode("utf-8", "replace") if isinstance(status, bytes) else status
    return _kib(sysfs.fields(text), "VmSwap") or 0


def _kib(said: dict[str, str], name: str) -> int | None:
    number, _, unit = said.get(name, "").partition(" ")
    found = sysfs.whole(number)
    return found * KIB if found is not None and unit.strip() in ("kB", "") else None
