"""Counters of energy where there are any: Linux's RAPL of the processor's packages, NVML's of an NVIDIA card.

They only count up, so that a stretch is the difference of two readings. RAPL's begin anew after some 262 kJ, which a
busy processor uses up within an hour, so readings must lie closer together than that (`backends.energy` sees to it).
Nothing is guessed: a computer without a readable counter has none, and most systems let only root read RAPL. AMD's and
Apple's sensors tell power alone and are not read. Read from recordings in tests; never run on a computer with either
counter.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

POWERCAP = Path("/sys/class/powercap")
RAPL, NVML = "RAPL (processor packages)", "NVML (the card)"
MICRO, MILLI = 1_000_000, 1_000


class Reading(NamedTuple):
    """sensor: in words. joules: of each counter by name, from wherever it began. wraps: joules after which it begins anew, 0 for never."""

    sensor: str
    joules: Mapping[str, float]
    wraps: Mapping[str, float]


def reading(device: str, powercap: Path = POWERCAP, nvml: Any = None) -> Reading | None:
    """What the counter of a device (`cpu`, `cuda:0`) shows now; None where there is none that may be read."""
    if device == "cpu":
        return _rapl(powercap)
    kind, _, index = device.partition(":")
    return _nvml(int(index), nvml) if kind == "cuda" and index.isdigit() else None


def spent(before: Reading | None, after: Reading | None) -> float:
    """Joules between two readings of one sensor that each began anew at most once between them; 0 where one of them is missing
    or the counters are others."""
    if before is None or after is None or set(before.joules) != set(after.joules):
        return 0.0
    total = 0.0
    for name, now in after.joules.items():
        used = now - before.joules[name]
        total += used if used >= 0 else used + after.wraps.get(name, 0.0)
    return max(total, 0.0)


def _rapl(root: Path) -> Reading | None:
    """Packages only: their cores (`intel-rapl:0:0`, named `core`) are counted in them. AMD's counters have the same names."""
    joules: dict[str, float] = {}
    wraps: dict[str, float] = {}
    for folder in sorted(root.glob("intel-rapl:*")):
        name = _text(folder / "name")
        if not name.startswith("package"):
            continue
        now, most = _text(folder / "energy_uj"), _text(folder / "max_energy_range_uj")
        if now.isdigit():
            joules[name] = int(now) / MICRO
            wraps[name] = int(most) / MICRO if most.isdigit() else 0.0
    return Reading(RAPL, joules, wraps) if joules else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:  # absent, or only root may read it
        return ""


def _nvml(index: int, nvml: Any) -> Reading | None:
    """Energy since the driver was loaded, on cards from Volta on."""
    if nvml is None:
        try:
            import pynvml
        except ImportError:
            return None
        nvml = pynvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        return Reading(NVML, {str(index): nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / MILLI}, {})
    except nvml.NVMLError:
        return None
    finally:
        nvml.nvmlShutdown()
