"""NVIDIA devices through NVML: name, memory, and what other programs hold. Runs in a child process.

Where the memory is one with the computer's RAM (GB10, Jetson), NVML answers "not supported"; that is said, and the
reader of these facts puts RAM in its place. `nvml` is the pynvml module, or a recording with the same functions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from planner.probe.holders import largest


def probe(own_pid: str = "0", nvml: Any = None) -> dict[str, Any]:
    """All devices as JSON; no device and no note where there is no NVIDIA driver."""
    if nvml is None:
        import pynvml

        nvml = pynvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError_LibraryNotFound:
        return {"devices": [], "notes": []}
    except nvml.NVMLError as error:
        return {"devices": [], "notes": [f"The NVIDIA driver does not answer: {error}."]}
    try:
        notes: list[str] = []
        own = {os.getpid(), int(own_pid)}
        devices = [_device(nvml, i, own, notes) for i in range(nvml.nvmlDeviceGetCount())]
        driver = _text(_try(nvml, nvml.nvmlSystemGetDriverVersion) or "")
        return {"driver": driver, "devices": devices, "notes": notes}
    except nvml.NVMLError as error:
        return {"devices": [], "notes": [f"The NVIDIA driver stopped answering: {error}."]}
    finally:
        nvml.nvmlShutdown()


def _device(nvml: Any, index: int, own: set[int], notes: list[str]) -> dict[str, Any]:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = _text(_try(nvml, nvml.nvmlDeviceGetName, handle) or f"NVIDIA device {index}")
    memory = _try(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
    capability = _try(nvml, nvml.nvmlDeviceGetCudaComputeCapability, handle)
    mig = _try(nvml, nvml.nvmlDeviceGetMigMode, handle)
    if mig and mig[0]:
        notes.append(f"{name} is split into instances (MIG); the figures are those of the whole card.")
    return {
        "index": index,
        "uuid": _text(_try(nvml, nvml.nvmlDeviceGetUUID, handle) or ""),
        "name": name,
        "total_bytes": memory.total if memory else None,
        "free_bytes": memory.free if memory else None,
        "capability": list(capability) if capability else None,
        "holders": _holders(nvml, handle, own),
    }


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


def _try(nvml: Any, ask: Callable[..., Any], *arguments: Any) -> Any:
    """The answer, or None where the driver does not support the question or does not permit it."""
    try:
        return ask(*arguments)
    except nvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
