"""Apple's GPU (`mps`) shares the computer's RAM; what Metal recommends to use is the budget. Runs in a child process."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import Any


def probe() -> dict[str, Any]:
    """The device as JSON; none on other machines and on Macs with an Intel processor."""
    if sys.platform != "darwin" or platform.machine() != "arm64":
        return {"devices": []}
    return from_sysctl(_sysctl("machdep.cpu.brand_string"), _sysctl("iogpu.wired_limit_mb"))


def from_sysctl(brand: str, wired_limit_mb: str) -> dict[str, Any]:
    """The device from two answers of `sysctl -n`. wired_limit_mb: 0 when nobody changed macOS's own limit."""
    limit = int(wired_limit_mb) * 1024**2 if wired_limit_mb.isdecimal() else 0
    return {"devices": [{"name": f"{brand or 'Apple'} GPU", "limit_bytes": limit}]}


def _sysctl(key: str) -> str:
    command = ["/usr/sbin/sysctl", "-n", key]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1)  # noqa: S603
    return told.stdout.strip()
