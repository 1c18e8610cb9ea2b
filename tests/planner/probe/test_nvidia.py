"""NVIDIA devices through a playback of NVML, and what is said where the driver says nothing.

The playback answers as NVIDIA's NVML API reference describes (structures nvmlMemory_t and nvmlProcessInfo_t, error
codes); its sizes are those of an RTX 4090's `nvidia-smi` in ollama/ollama#1906, of a GB10 as reported in
Syllo/nvtop#399 (memory "not supported"). No NVIDIA device was at hand.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from planner.probe.nvidia import probe
from tests.faults import fault
from tests.fixtures import machines

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


def test_without_a_driver_or_a_card_there_is_nothing_to_say(tmp_path: Path) -> None:
    absent = pynvml.NVMLError_LibraryNotFound()
    assert probe("0", Playback(nvmlInit=absent), str(tmp_path)) == {"devices": [], "notes": []}


@fault(
    "NVIDIA's driver was updated, is not loaded, or is out of a container's reach",
    injected="A playback of NVML raises pynvml's own errors",
    seen="What the driver says and what to do about it; the processor can be planned for",
    lost="The cards' figures",
)
@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "Restart the computer"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "kernel module is not loaded"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "In a container"),
        (pynvml.NVML_ERROR_OPERATING_SYSTEM, "start the container again"),
        (pynvml.NVML_ERROR_UNKNOWN, "log may say more"),
    ],
)
def test_a_driver_that_does_not_answer_is_a_note_with_what_to_do(code: int, advice: str) -> None:
    told = probe("0", Playback(nvmlInit=pynvml.NVMLError(code)))
    assert told["devices"] == []
    assert "driver does not answer" in told["notes"][0]
    assert advice in told["notes"][0]


@fault(
    "One of several cards has fallen off the bus",
    injected="A playback of NVML raises its own error for one card",
    seen="Which card does not answer, and to restart",
    lost="That card",
)
def test_a_lost_card_costs_itself_and_no_other() -> None:
    lost = pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)

    class OneLost(Playback):
        def nvmlDeviceGetHandleByIndex(self, index: int) -> str:
            if index == 0:
                raise lost
            return "handle"

    told = probe("0", OneLost(nvmlDeviceGetCount=2))
    assert [d["index"] for d in told["devices"]] == [1]
    assert "NVIDIA device 0" in told["notes"][0]
    assert "fallen off the bus" in told["notes"][0]
    stopped = probe("0", Playback(nvmlDeviceGetCount=lost))
    assert "stopped" in stopped["notes"][0]


def test_a_card_whose_memory_cannot_be_read_is_no_unified_one() -> None:
    lost = pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
    told = probe("0", Playback(nvmlDeviceGetMemoryInfo=lost))
    assert told["devices"] == []
    assert "left out" in told["notes"][0]


@fault(
    "A card is there without its driver",
    injected="The bus of a computer in a public report, laid out as files",
    seen="The card, and that it needs its driver",
    lost="Nothing",
)
@pytest.mark.skipif(sys.platform != "linux", reason="the bus is read from Linux's sysfs")
@pytest.mark.parametrize(
    ("recorded", "notes", "word"),
    [("nvidia-v100-driver-not-loaded", 3, "no driver"), ("nvidia-gt640-nouveau", 1, "the driver nouveau")],
)
def test_a_card_without_nvidias_driver_is_said(tmp_path: Path, recorded: str, notes: int, word: str) -> None:
    absent = pynvml.NVMLError_LibraryNotFound()
    told = probe("0", Playback(nvmlInit=absent), str(machines.laid_out(tmp_path, recorded)))
    assert (len(told["notes"]), told["devices"]) == (notes, [])
    assert word in told["notes"][0]
    assert "install NVIDIA's driver" in told["notes"][0]


def test_unified_memory_has_no_figures_of_its_own() -> None:
    (card,) = probe("0", Playback(nvmlDeviceGetName="NVIDIA GB10", nvmlDeviceGetMemoryInfo=NOT_SUPPORTED))["devices"]
    assert (card["total_bytes"], card["free_bytes"]) == (None, None)


def test_processes_whose_memory_the_driver_does_not_tell_are_left_out() -> None:
    told = probe("0", Playback(nvmlDeviceGetComputeRunningProcesses=[process(8, None)]))
    assert told["devices"][0]["holders"] == []


def test_a_card_split_into_instances_is_its_instances() -> None:
    split = Playback(
        nvmlDeviceGetMigMode=(1, 1),
        nvmlDeviceGetMaxMigDeviceCount=2,
        nvmlDeviceGetMigDeviceHandleByIndex="part",
        nvmlDeviceGetMemoryInfo=SimpleNamespace(total=4864 * MIB, free=4800 * MIB, used=64 * MIB),
    )
    told = probe("0", split)
    assert [(d["total_bytes"], d["mig"]) for d in told["devices"]] == [(4864 * MIB, True)] * 2
    assert "2 instances (MIG)" in told["notes"][0]
    none = probe("0", Playback(nvmlDeviceGetMigMode=(1, 1), nvmlDeviceGetMaxMigDeviceCount=0))
    assert none["devices"] == []
    assert "left out" in none["notes"][0]


def test_the_real_library_answers_one_way_or_the_other() -> None:
    assert set(probe()) >= {"devices", "notes"}
