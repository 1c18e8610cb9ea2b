"""CPU, RAM, the control group's limits, and who holds the memory. Runs in a child process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from planner.probe import cgroup
from planner.probe.holders import host_processes, largest


def probe(own_pid: str = "0") -> dict[str, Any]:
    """The host as JSON. own_pid: the program that asks, which is no other holder."""
    import psutil

    memory = psutil.virtual_memory()
    limits = cgroup.limits() if sys.platform.startswith("linux") else cgroup.Limits()
    logical = psutil.cpu_count() or 1
    return {
        "name": platform.node(),
        "os": f"{platform.system()} {platform.release()}",
        "cpu": cpu_name(),
        "physical_cores": psutil.cpu_count(logical=False) or logical,
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical,
        "quota_cores": limits.cores,
        "ram_total_bytes": memory.total,
        "ram_available_bytes": memory.available,
        "limit_bytes": limits.memory_bytes if limits.memory_bytes < memory.total else 0,
        "limit_free_bytes": limits.free_bytes,
        "holders": largest(host_processes(frozenset({os.getpid(), int(own_pid)}))),
    }


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as its maker writes it."""
    for line in _read(cpuinfo).splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "Hardware") and value.strip():
            return " ".join(value.split())
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1)  # noqa: S603
        if told.stdout.strip():
            return told.stdout.strip()
    return platform.processor() or platform.machine()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
