"""What this process could still have of the computer's memory at this instant, and which limit is the narrowest.

It is asked first thing when an allocation was refused, while everything that was held is still held. It reads counters
of the system and changes nothing; where a system does not tell one it is left out.
"""

from __future__ import annotations

import contextlib
import sys
from typing import NamedTuple

import psutil

from planner.probe import cgroup


class Room(NamedTuple):
    """free: bytes that could still be had; limit: of which in all; words: whose limit it is."""

    free: int
    limit: int
    words: str


def room() -> Room:
    """The narrowest of: limits of this process, of its control group, and the computer's memory."""
    memory = psutil.virtual_memory()
    found = [Room(int(memory.available), int(memory.total), "this computer's memory")]
    if sys.platform == "linux":
        found += _limits_of_process()
        limits = cgroup.limits()
        if 0 < limits.memory_bytes < memory.total:
            found.append(Room(limits.free_bytes, limits.memory_bytes, "the limit of its control group"))
    return min(found, key=lambda r: r.free)


def _limits_of_process() -> list[Room]:
    """`ulimit -d` and `ulimit -v`, as Linux counts against them."""
    import resource

    found = []
    limits = (
        (resource.RLIMIT_DATA, b"VmData:", "its limit of data (ulimit -d)"),
        (resource.RLIMIT_AS, b"VmSize:", "its limit of address space (ulimit -v)"),
    )
    with open("/proc/self/status", "rb") as file:  # noqa: PTH123 - as little as can be allocated
        status = file.read()
    for which, name, words in limits:
        most, _ = resource.getrlimit(which)
        if most not in (resource.RLIM_INFINITY, -1):
            with contextlib.suppress(ValueError):
                start = status.index(name) + len(name)
                used = int(status[start : status.index(b"kB", start)]) * 1024
                found.append(Room(max(0, most - used), most, words))
    return found
