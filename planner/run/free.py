"""What is free on a device at this instant, and who holds the rest: for those who wait for memory.

RAM is asked of the system here and takes a millisecond; a card is asked by its probe, in a process of its own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from planner.probe import host, machine
from planner.probe.holders import host_processes, largest

CPU = "cpu"
NAME = "this computer"


@dataclass(frozen=True)
class Free:
    """bytes: to be had now, under every limit. name: of the place, for people. holders: (name, bytes), largest first."""

    bytes: int
    name: str = NAME
    holders: tuple[tuple[str, int], ...] = ()


def free_now(device: str) -> Free:
    """Of the device by its id. One that is not there, or does not say, has nothing free: a run there waits and says so."""
    if device == CPU:
        seen = host.memory()
        free = int(seen["ram_available_bytes"])
        if seen["limit_bytes"]:
            free = min(free, int(seen["limit_free_bytes"]))
        held = largest(host_processes(frozenset({os.getpid()})))
        return Free(free, NAME, tuple((str(h["name"]), int(h["bytes"])) for h in held))
    found = machine().device(device)
    if found is None:
        return Free(0, f"{device}, which is not there now")
    return Free(found.free_bytes, found.name, tuple((h.name, h.bytes) for h in found.others))
