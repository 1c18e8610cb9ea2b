"""CPU, RAM, swap, the control group's limits, and who holds the memory; and Intel's GPUs, which are only told. Runs in a
child process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from planner.probe import cgroup, intel, proc, sysfs
from planner.probe.holders import host_processes, largest


def probe(own_pid: str = "0") -> dict[str, Any]:
    """The host as JSON. own_pid: the program that asks, which is no other holder."""
    import psutil

    logical = psutil.cpu_count() or 1
    return {
        "name": platform.node(),
        "os": f"{platform.system()} {platform.release()}",
        "cpu": cpu_name(),
        "physical_cores": psutil.cpu_count(logical=False) or logical,
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical,
        **memory(),
        "holders": largest(host_processes(frozenset({os.getpid(), int(own_pid)}))),
        "notes": intel.probe()["notes"] if sys.platform.startswith("linux") else [],
    }


def memory(root: Path = Path("/")) -> dict[str, Any]:
    """What changes from second to second: RAM, swap and what is left under the limits."""
    import psutil

    on_linux = sys.platform.startswith("linux")
    limits = cgroup.limits(root) if on_linux else cgroup.Limits()
    seen = proc.memory(root) if on_linux else None
    if seen is None:
        told, swap = psutil.virtual_memory(), _swap(psutil)
        seen = proc.Memory(told.total, told.available, *swap)
    swap_free = seen.swap_free if limits.swap_bytes < 0 else min(seen.swap_free, limits.swap_bytes)
    return {
        "ram_total_bytes": seen.total,
        "ram_available_bytes": seen.available,
        "swap_total_bytes": seen.swap_total,
        "swap_free_bytes": swap_free,
        "swap_is_compressed_ram": seen.compressed_swap,
        "limit_bytes": limits.memory_bytes if limits.memory_bytes < seen.total else 0,
        "limit_free_bytes": limits.free_bytes,
        "limit_maker": limits.maker,
        "limit_forbids_swap": limits.swap_bytes == 0 and seen.swap_total > 0,
        "quota_cores": limits.cores,
        "address_space_bytes": _address_space(),
    }


def _swap(psutil: Any) -> tuple[int, int]:
    try:
        told = psutil.swap_memory()
    except (OSError, RuntimeError):  # Windows without its performance counters
        return 0, 0
    return told.total, told.free


def _address_space() -> int:
    """What `ulimit -v` allows, 0 for no limit and where there is no such thing."""
    if sys.platform == "win32":
        return 0
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return 0 if soft == resource.RLIM_INFINITY or soft < 0 else int(soft)


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as its maker writes it."""
    for line in sysfs.text(cpuinfo, 1024 * 1024).splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "Hardware") and value.strip():
            return " ".join(value.split())
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1)  # noqa: S603
        if told.stdout.strip():
            return told.stdout.strip()
    return platform.processor() or platform.machine()
