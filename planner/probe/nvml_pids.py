"""What each process holds of the NVIDIA cards, asked again and again while one is watched. Never run on a GPU yet.

Unlike the probe of the machine it is asked several times a second, so it runs in the program's own process, on a thread:
a driver that hangs costs the watch, nothing else. Inside a container the driver may name processes by the host's
numbers, so a number that is not among these holds nothing or is not known. `nvml` is pynvml, or a recording with its
functions.
"""

from __future__ import annotations

from typing import Any

UNTOLD = -1  # the driver lists the process and does not say how much: Windows' own memory manager
_ASKED: list[Any] = []  # pynvml once it answered, or None where there is no driver


def held_by_pid(nvml: Any = None) -> dict[int, int] | None:
    """Bytes of all cards by pid, or UNTOLD; None where there is no driver that tells."""
    nvml = nvml or _driver()
    if nvml is None:
        return None
    held: dict[int, int] = {}
    try:
        for index in range(nvml.nvmlDeviceGetCount()):
            for pid, size in _of_card(nvml, nvml.nvmlDeviceGetHandleByIndex(index)).items():
                before = held.get(pid, 0)
                held[pid] = UNTOLD if UNTOLD in (before, size) else before + size
    except nvml.NVMLError:
        return held or None
    return held


def _of_card(nvml: Any, handle: Any) -> dict[int, int]:
    """A process that computes and draws is told twice, each time with all that it holds."""
    held: dict[int, int] = {}
    for ask in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
        try:
            found = ask(handle)
        except nvml.NVMLError:
            continue
        for process in found:
            told = process.usedGpuMemory
            held[process.pid] = max(held.get(process.pid, UNTOLD), UNTOLD if told is None else told)
    return held


def _driver() -> Any:
    if not _ASKED:
        import pynvml

        try:
            pynvml.nvmlInit()
            _ASKED.append(pynvml)
        except pynvml.NVMLError:
            _ASKED.append(None)
    return _ASKED[0]
