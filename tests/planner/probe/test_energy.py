"""Counters of energy as they lie in recordings: read where they may be, added up over packages, carried over an overflow."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from backends.energy import Energy
from planner.probe import energy
from planner.probe.energy import reading, spent


def rapl(root: Path, **packages: tuple[int, int]) -> Path:
    """The kernel's files: a package each, and a part of one that must not be counted twice."""
    for n, (name, (now, most)) in enumerate(packages.items()):
        for folder, called in ((f"intel-rapl:{n}", name.replace("_", "-")), (f"intel-rapl:{n}:0", "core")):
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / "name").write_text(f"{called}\n")
            (root / folder / "energy_uj").write_text(f"{now}\n")
            (root / folder / "max_energy_range_uj").write_text(f"{most}\n")
    return root


class Nvml:
    """As pynvml."""

    class NVMLError(Exception):
        pass

    def __init__(self, millijoules: int | None) -> None:
        self.millijoules = millijoules

    def nvmlInit(self) -> None:
        if self.millijoules is None:
            raise self.NVMLError

    def nvmlShutdown(self) -> None:
        pass

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        assert self.millijoules is not None
        if handle:
            raise self.NVMLError
        return self.millijoules


def test_packages_are_added_up_and_their_parts_are_not(tmp_path: Path) -> None:
    before = reading("cpu", rapl(tmp_path, package_0=(5_000_000, 10**9), package_1=(1_000_000, 10**9)))
    after = reading("cpu", rapl(tmp_path, package_0=(8_000_000, 10**9), package_1=(1_500_000, 10**9)))
    assert spent(before, after) == pytest.approx(3.5)


def test_a_counter_that_began_anew_goes_on(tmp_path: Path) -> None:
    before = reading("cpu", rapl(tmp_path, package_0=(9_000_000, 10_000_000)))
    after = reading("cpu", rapl(tmp_path, package_0=(2_000_000, 10_000_000)))
    assert spent(before, after) == pytest.approx(3.0)


def test_no_counter_no_reading(tmp_path: Path) -> None:
    assert reading("cpu", tmp_path / "absent") is None
    unreadable = rapl(tmp_path, package_0=(1, 2))
    (unreadable / "intel-rapl:0" / "energy_uj").unlink()  # as one that only root may read
    assert reading("cpu", unreadable) is None
    assert reading("mps") is None
    assert spent(None, None) == 0


def test_a_cards_counter_is_in_thousandths() -> None:
    before, after = (reading("cuda:0", nvml=Nvml(n)) for n in (1_000, 61_000))
    assert spent(before, after) == 60.0
    assert reading("cuda:1", nvml=Nvml(1)) is None
    assert reading("cuda:0", nvml=Nvml(None)) is None


def test_a_run_tells_its_joules_where_a_sensor_was_and_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(device: str) -> Any:
        return reading(device, tmp_path)

    monkeypatch.setattr("backends.energy.reading", here)
    assert Energy("cpu").used() == {}
    rapl(tmp_path, package_0=(5_000_000, 10**9))
    stretch = Energy("cpu")
    rapl(tmp_path, package_0=(17_000_000, 10**9))
    used = stretch.used()
    assert used["joules"] == 12.0
    assert used["joules_s"] >= 0
    assert used["sensor"] == energy.RAPL


def test_a_long_run_adds_up_every_round_of_its_counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """262 kJ are an hour of 73 W: two readings alone would lose all rounds but one."""
    monkeypatch.setattr("backends.energy.reading", lambda device: reading(device, tmp_path))
    most = 262_143_328_850
    rapl(tmp_path, package_0=(0, most))
    stretch = Energy("cpu")
    for n in range(1, 11):
        rapl(tmp_path, package_0=(n * 100_000_000_000 % most, most))
        if n % 2 == 0:  # as often as a counter may go round once
            stretch.read()
    assert stretch.used()["joules"] == pytest.approx(1_000_000)
    assert [t for t in threading.enumerate() if t.name == "energy"] == []


def test_a_run_reads_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = threading.Event()
    readings = 0

    def here(device: str) -> Any:
        nonlocal readings
        readings += 1
        if readings == 3:
            seen.set()
        return reading(device, tmp_path)

    monkeypatch.setattr("backends.energy.reading", here)
    monkeypatch.setattr("backends.energy.EVERY_S", 0.001)
    rapl(tmp_path, package_0=(5_000_000, 10**9))
    stretch = Energy("cpu")
    assert seen.wait(10)
    stretch.used()
