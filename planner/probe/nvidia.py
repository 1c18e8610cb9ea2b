"""NVIDIA devices through NVML: name, memory, and what other programs hold. Runs in a child process.

Where the memory is one with the computer's RAM (GB10, Jetson), NVML answers "not supported"; that is said, and the
reader of these facts puts RAM in its place. One card that is lost costs that card. `nvml` is the pynvml module, or a
recording with the same functions. Never run on an NVIDIA card.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from planner.probe import pci, sysfs
from planner.probe.holders import largest
from planner.probe.torch_build import torch_build

# What a person can do about NVML's errors; their numbers are those of NVIDIA's NVML API reference, nvmlReturn_t.
MEANT = {
    4: "This session may not ask it. In a container it was given no access to the card; start it with the card passed in.",
    9: "Its kernel module is not loaded. After an update of the system the driver has to be built or installed anew.",
    10: "A card has a problem with its interrupt; the system's log says which.",
    15: "A card has fallen off the bus. Restart the computer; if it comes again, look at its power and heat.",
    17: "The system blocks access to the card. In a container it was lost while it ran: start the container again.",
    18: "The driver was updated, and the old one still runs. Restart the computer.",
    999: "The system's log may say more. In a container it is often lost access to the card: start it again.",
}


def probe(own_pid: str = "0", nvml: Any = None, root: str = "/") -> dict[str, Any]:
    """All devices as JSON; no device and no note where there is neither a driver nor a card."""
    if nvml is None:
        import pynvml

        nvml = pynvml
    absent = {"devices": [], "notes": _cards_without_driver(Path(root)) if sys.platform == "linux" else []}
    try:
        nvml.nvmlInit()
    except nvml.NVMLError_LibraryNotFound:
        return absent
    except nvml.NVMLError as error:
        return {"devices": [], "notes": [f"The NVIDIA driver does not answer: {error}. {_meant(error)}".rstrip()]}
    notes: list[str] = []
    devices: list[dict[str, Any]] = []
    try:
        own = {os.getpid(), int(own_pid)}
        for index in range(nvml.nvmlDeviceGetCount()):
            try:
                devices += _device(nvml, index, own, notes)
            except nvml.NVMLError as error:
                notes.append(
                    f"NVIDIA device {index} does not answer and is left out: {error}. {_meant(error)}".rstrip()
                )
        driver = _text(_try(nvml, nvml.nvmlSystemGetDriverVersion) or "")
    except nvml.NVMLError as error:
        return {"devices": [], "notes": [f"The NVIDIA driver stopped answering: {error}. {_meant(error)}".rstrip()]}
    finally:
        _try(nvml, nvml.nvmlShutdown)
    if not devices and not notes:
        notes = absent["notes"]
    return {"driver": driver, "devices": devices, "notes": notes, "torch": torch_build()}


def _meant(error: Any) -> str:
    return MEANT.get(getattr(error, "value", 0), "")


def _device(nvml: Any, index: int, own: set[int], notes: list[str]) -> list[dict[str, Any]]:
    """The card, or the parts it is split into, of which a program computes on one."""
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = _text(_try(nvml, nvml.nvmlDeviceGetName, handle) or f"NVIDIA device {index}")
    capability = _try(nvml, nvml.nvmlDeviceGetCudaComputeCapability, handle)
    split = _try(nvml, nvml.nvmlDeviceGetMigMode, handle)
    if split and split[0]:
        parts = _parts(nvml, handle, name, own)
        if parts:
            notes.append(f"{name} is split into {len(parts)} instances (MIG); a run computes on one of them.")
        else:
            notes.append(f"{name} is split into instances (MIG), and none of them can be read, so it is left out.")
        return [{**part, "index": index, "capability": list(capability) if capability else None} for part in parts]
    return [
        {
            "index": index,
            "uuid": _text(_try(nvml, nvml.nvmlDeviceGetUUID, handle) or ""),
            "name": name,
            **_memory(nvml, handle),
            "capability": list(capability) if capability else None,
            "holders": _holders(nvml, handle, own),
        }
    ]


def _memory(nvml: Any, handle: Any) -> dict[str, int | None]:
    """None where the memory is the computer's own. Other errors mean that the card is not well, and are its caller's."""
    try:
        told = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError as error:
        if getattr(error, "value", 0) != 3:  # NVML_ERROR_NOT_SUPPORTED
            raise
        return {"total_bytes": None, "free_bytes": None}
    return {"total_bytes": told.total or None, "free_bytes": told.free if told.total else None}


def _parts(nvml: Any, handle: Any, name: str, own: set[int]) -> list[dict[str, Any]]:
    found = []
    for number in range(min(64, _try(nvml, nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0)):
        part = _try(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
        memory = _try(nvml, nvml.nvmlDeviceGetMemoryInfo, part) if part is not None else None
        if memory is not None:
            found.append(
                {
                    "uuid": _text(_try(nvml, nvml.nvmlDeviceGetUUID, part) or ""),
                    "name": f"{name}, instance {number}",
                    "total_bytes": memory.total,
                    "free_bytes": memory.free,
                    "holders": _holders(nvml, part, own),
                    "mig": True,
                }
            )
    return found


def _holders(nvml: Any, handle: Any, own: set[int]) -> list[dict[str, str | int]]:
    """Programs on the device by name; on some systems the driver does not say how much each holds."""
    held: dict[int, int] = {}
    for ask in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
        for process in _try(nvml, ask, handle) or []:
            if process.pid not in own and process.usedGpuMemory:
                held[process.pid] = max(held.get(process.pid, 0), process.usedGpuMemory)
    return largest((_process_name(nvml, pid), size) for pid, size in held.items())


def _process_name(nvml: Any, pid: int) -> str:
    path = _text(_try(nvml, nvml.nvmlSystemGetProcessName, pid) or "")
    # a path, at times with arguments behind it, which may hold what is nobody else's business
    return path.split(" ")[0].replace("\\", "/").rsplit("/", 1)[-1][:60] or f"process {pid}"


def _cards_without_driver(root: Path) -> list[str]:
    """What is said where NVIDIA's library is not there, or sees nothing, and the bus has a card of theirs."""
    notes = []
    for card in [c for c in pci.cards(root) if c.vendor == pci.NVIDIA]:
        name = pci.name_of(card.vendor, card.device, root=root)
        what = f"NVIDIA {name}" if name else f"An NVIDIA card ({card.device:04x})"
        if card.driver == "vfio-pci":
            notes.append(f"{what} is given to a virtual machine (vfio-pci), so nothing here can compute on it.")
        elif card.driver == "nvidia":
            notes.append(f"{what} has its driver, but this session was not given it: a container needs it passed in.")
        else:
            by = f"the driver {card.driver}, which cannot compute" if card.driver else "no driver"
            notes.append(f"{what} is here with {by}. To compute on it, install NVIDIA's driver.")
    if not notes and sysfs.text(root / "etc/nv_tegra_release"):
        notes.append("This is a Jetson whose driver library cannot be asked, so its GPU is left out.")
    return notes


def _try(nvml: Any, ask: Callable[..., Any], *arguments: Any) -> Any:
    """The answer, or None where the driver does not support the question or does not permit it."""
    try:
        return ask(*arguments)
    except nvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
