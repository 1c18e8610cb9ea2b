"""NVIDIA devices through a playback of NVML, and what is said where the driver says nothing.

The playback answers as NVIDIA's NVML API reference describes (structures nvmlMemory_t and nvmlProcessInfo_t, error
codes); its sizes are those of an RTX 4090's `nvidia-smi` in ollama/ollama#1906, of a GB10 as reported in
Syllo/nvtop#399 (memory "not supported"). No NVIDIA device was at hand.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from planner.probe.nvidia import probe

pynvml = pytest.importorskip("pynvml")
MIB = 1024**2


class Playback:
    """Answers like pynvml. `answers`: function name to value, or to an exception that it raises."""

    NVMLError = pynvml.NVMLError
    NVMLError_LibraryNotFound = pynvml.NVMLError_LibraryNotFound

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "nvmlInit": None,
            "nvmlShutdown": None,
            "nvmlDeviceGetCount": 1,
            "nvmlDeviceGetHandleByIndex": "handle",
            "nvmlSystemGetDriverVersion": "580.95.05",
            "nvmlDeviceGetName": b"NVIDIA GeForce RTX 4090",
            "nvmlDeviceGetUUID": "GPU-aa",
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=24564 * MIB, free=22000 * MIB, used=2564 * MIB),
            "nvmlDeviceGetCudaComputeCapability": (8, 9),
            "nvmlDeviceGetMigMode": NOT_SUPPORTED,
            "nvmlDeviceGetComputeRunningProcesses": [],
            "nvmlDeviceGetGraphicsRunningProcesses": [],
            "nvmlSystemGetProcessName": "/usr/bin/program --secret=1",
            **answers,
        }

    def __getattr__(self, name: str) -> Any:
        answer = self.answers[name]

        def ask(*_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask


NOT_SUPPORTED = pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


def process(pid: int, used: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=used)


def test_a_card_is_read_with_its_holders_and_no_command_lines() -> None:
    told = probe(
        "7",
        Playback(
            nvmlDeviceGetComputeRunningProcesses=[process(7, 900 * MIB), process(8, 500 * MIB)],
            nvmlDeviceGetGraphicsRunningProcesses=[process(8, 500 * MIB), process(9, 300 * MIB)],
        ),
    )
    (card,) = told["devices"]
    assert (card["name"], card["total_bytes"], card["capability"]) == ("NVIDIA GeForce RTX 4090", 24564 * MIB, [8, 9])
    assert card["holders"] == [{"name": "program", "bytes": 800 * MIB}]  # not twice, and not this program (7)
    assert "secret" not in str(told)


def test_without_a_driver_there_is_no_device_and_nothing_to_say() -> None:
    absent = pynvml.NVMLError_LibraryNotFound()
    assert probe("0", Playback(nvmlInit=absent)) == {"devices": [], "notes": []}


def test_a_driver_that_does_not_answer_is_a_note() -> None:
    broken = pynvml.NVMLError(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH)
    told = probe("0", Playback(nvmlInit=broken))
    assert told["devices"] == []
    assert "driver" in told["notes"][0]
    lost = pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
    assert "stopped" in probe("0", Playback(nvmlDeviceGetHandleByIndex=lost))["notes"][0]


def test_unified_memory_has_no_figures_of_its_own() -> None:
    (card,) = probe("0", Playback(nvmlDeviceGetName="NVIDIA GB10", nvmlDeviceGetMemoryInfo=NOT_SUPPORTED))["devices"]
    assert (card["total_bytes"], card["free_bytes"]) == (None, None)


def test_processes_whose_memory_the_driver_does_not_tell_are_left_out() -> None:
    told = probe("0", Playback(nvmlDeviceGetComputeRunningProcesses=[process(8, None)]))
    assert told["devices"][0]["holders"] == []


def test_a_card_split_into_instances_is_said() -> None:
    assert "MIG" in probe("0", Playback(nvmlDeviceGetMigMode=(1, 1)))["notes"][0]


def test_the_real_library_answers_one_way_or_the_other() -> None:
    assert set(probe()) >= {"devices", "notes"}
