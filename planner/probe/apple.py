"""Apple's GPU (`mps`) shares the computer's RAM; what Metal recommends to use is the budget. Runs in a child process.

What is free is counted as Activity Monitor counts: all but what programs hold for themselves (anonymous pages that may
not be purged), what is wired down, and what the compressor occupies; an "inactive" page may still be a program's. macOS
makes swap as it needs it, so its free swap is no bound. Read from recordings in tests; never run on a Mac.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from typing import Any

SYSCTL = (
    "machdep.cpu.brand_string",
    "hw.memsize",
    "iogpu.wired_limit_mb",
    "vm.swapusage",
    "kern.memorystatus_vm_pressure_level",
)
UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
PRESSURE = {
    "2": "macOS reports memory pressure: it is compressing other programs' memory.",
    "4": "macOS reports critical memory pressure: it is swapping, and may end programs.",
}


def probe() -> dict[str, Any]:
    """The device as JSON; none on other machines and on Macs with an Intel processor, whose RAM is told all the same."""
    if sys.platform != "darwin":
        return {"devices": []}
    return from_texts(
        _told("/usr/sbin/sysctl", *SYSCTL), _told("/usr/bin/vm_stat"), silicon=platform.machine() == "arm64"
    )


def from_texts(sysctl: str, vm_stat: str, *, silicon: bool = True) -> dict[str, Any]:
    """From what `sysctl` (keys of `SYSCTL`, `key: value` lines) and `vm_stat` print. What cannot be read is left out."""
    said = _fields(sysctl)
    told: dict[str, Any] = {"devices": [], "notes": []}
    total, used = _whole(said.get("hw.memsize", "")), used_bytes(vm_stat)
    if total and used is not None:
        told["ram_available_bytes"] = max(0, total - used)
    swap = swap_bytes(said.get("vm.swapusage", ""))
    if swap is not None:
        told["swap_total_bytes"], told["swap_free_bytes"] = swap
    if note := PRESSURE.get(said.get("kern.memorystatus_vm_pressure_level", "")):
        told["notes"].append(note)
    if silicon:
        # 0 when nobody changed macOS's own limit
        limit = (_whole(said.get("iogpu.wired_limit_mb", "")) or 0) * 1024**2
        told["devices"] = [
            {"name": f"{said.get('machdep.cpu.brand_string') or 'Apple'} GPU"[:80], "limit_bytes": limit}
        ]
    return told


def used_bytes(vm_stat: str) -> int | None:
    """What is not to be had, from `vm_stat`; None where a line is missing."""
    page = re.search(r"page size of ([0-9]{1,9}) bytes", vm_stat)
    said = _fields(vm_stat)
    names = ("Anonymous pages", "Pages purgeable", "Pages wired down", "Pages occupied by compressor")
    pages = [_whole(said.get(name, "").rstrip(".")) for name in names]
    if page is None or None in pages:
        return None
    own, purgeable, wired, compressor = (n or 0 for n in pages)
    return (max(0, own - purgeable) + wired + compressor) * int(page[1])


def swap_bytes(swapusage: str) -> tuple[int, int] | None:
    """Total and free from `total = 2048.00M  used = 1470.06M  free = 577.94M  (encrypted)`."""
    sizes = {
        name: round(float(number) * UNITS[unit])
        for name, number, unit in re.findall(r"(total|free) = ([0-9]{1,9}(?:\.[0-9]{1,6})?)([KMGT])", swapusage)
    }
    return (sizes["total"], sizes["free"]) if {"total", "free"} <= set(sizes) else None


def _fields(text: str) -> dict[str, str]:
    parted = (line.partition(":") for line in text[: 64 * 1024].splitlines())
    return {name.strip(): value.strip() for name, sign, value in parted if sign}


def _whole(word: str) -> int | None:
    return int(word) if re.fullmatch(r"[0-9]{1,20}", word) else None


def _told(*command: str) -> str:
    """What it prints; a key that this macOS does not have costs its line alone."""
    told = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=1)  # noqa: S603
    return told.stdout
