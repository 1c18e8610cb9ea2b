"""What a run that is moved aside by the system tells: from recorded readings, since nothing swaps here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends import meter as metering
from backends.meter import Meter, process_reading
from backends.report import Report
from backends.spill import Room, Spill, spilled
from planner.probe.proc import memory as memory_of_this_computer
from planner.run.events import Memory, Note
from planner.run.journal import read_all
from planner.units import GIB, MIB
from tests.faults import fault

FULL = (Room("RAM", GIB // 10, 16 * GIB),)
FREE = (Room("RAM", 6 * GIB, 16 * GIB),)
# the form of the kernel's Documentation/filesystems/proc.rst; figures of a process that was half swapped out
STATUS = "Name:\tpython\nVmHWM:\t 2097152 kB\nVmRSS:\t 1310720 kB\nRssAnon:\t 1048576 kB\nVmSwap:\t  524288 kB\nThreads:\t9\n"


def steps(spill: Spill, seconds: list[float], rooms: tuple[Room, ...]) -> None:
    for one in seconds:
        spill.step(one, 100, lambda: rooms)


@pytest.fixture
def said() -> list[str]:
    return []


def test_what_lies_in_swap_is_told_once_and_again_when_it_has_doubled(said: list[str]) -> None:
    spill = Spill(said.append)
    for size in (0, 10 * MIB, 100 * MIB, 120 * MIB, 199 * MIB, 200 * MIB, 0, 250 * MIB):
        spill.reading(size)
    assert [text.split(" of this run")[0] for text in said] == ["100 MiB", "200 MiB"]
    assert "swap" in said[0]
    assert "smaller batch" in said[0]


def test_steps_three_times_as_slow_with_full_memory_are_told_once(said: list[str]) -> None:
    spill = Spill(said.append)
    steps(spill, [9, 9, *[1.0] * 10, *[3.5] * 10], FULL)
    assert len(said) == 1
    assert "3.5 times" in said[0]
    assert "RAM is full" in said[0]
    steps(spill, [1.0] * 5, FULL)  # it is well again
    steps(spill, [4.0] * 5, FULL)
    assert len(said) == 2


@pytest.mark.parametrize(
    ("seconds", "rooms"),
    [
        ([9, 9, *[1.0] * 10, *[3.5] * 10], FREE),  # slow, and there is room: another matter
        ([9, 9, *[1.0] * 10, *[2.5] * 10], FULL),
        ([9, 9, *[1.0] * 10, 30, 1, 1, 30, 1, 1], FULL),  # a step alone may be slow
        ([9, 9, 3, 3, 3, 3, 3, *[1.0] * 10, *[2.5] * 5], FULL),  # a slow beginning is not what is usual
        ([9, 9, 1, 1], FULL),
        ([0.0, -1.0], FULL),
    ],
)
def test_what_is_no_spill_is_not_told(said: list[str], seconds: list[float], rooms: tuple[Room, ...]) -> None:
    steps(Spill(said.append), seconds, rooms)
    assert said == []


def test_a_place_whose_size_nobody_tells_is_not_full() -> None:
    assert not Room("a card", 0, 0).full


def test_it_has_a_code_of_its_own() -> None:
    assert spilled("x").code == "memory.spill"


@fault(
    "The system swaps a run out",
    injected="The kernel's file of the process says so, as recorded",
    seen="A warning with how much lies in swap, and that part of the memory in its own hatch",
    lost="Time",
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what of a process is swapped out")
def test_the_part_in_swap_is_a_reading_of_its_own_beside_the_part_in_ram(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = tmp_path / "status"
    recorded.write_text(STATUS)
    monkeypatch.setattr(metering, "STATUS", str(recorded))
    assert process_reading() == (GIB, GIB // 2)
    report = Report(tmp_path)
    meter = Meter(report)
    meter.mark("forward", 3)
    meter.tell()
    meter.stop()
    report.close()
    events = read_all(tmp_path).events
    memory = {e.source: e for e in events if isinstance(e, Memory)}
    assert (memory["process"].bytes, memory["swapped"].bytes, memory["swapped"].tier) == (GIB, GIB // 2, "host")
    assert memory["swapped"].step == 3
    notes = [e for e in events if isinstance(e, Note)]
    assert [n.level for n in notes] == ["warning"]
    assert "512 MiB of this run lie in swap" in notes[0].text


def test_a_run_that_is_not_swapped_out_has_no_such_reading(tmp_path: Path) -> None:
    report = Report(tmp_path)
    meter = Meter(report)
    meter.mark("forward", 1)
    meter.tell()
    meter.stop()
    report.close()
    assert {e.source for e in read_all(tmp_path).events if isinstance(e, Memory)} == {"process"}


GROUP = Path("/sys/fs/cgroup/memory/plimsoll-spill")
SWAPPED = """
import mmap, sys
from pathlib import Path
from backends.meter import Meter
from backends.report import Report
report = Report(Path(sys.argv[1]))
meter = Meter(report)
Path(sys.argv[2], "cgroup.procs").write_text("0")
block = mmap.mmap(-1, 200 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(block), 4096):
    block[at] = 1
meter.mark("forward", 1)
meter.tell()
meter.stop()
report.close()
"""


def swaps_in_groups() -> bool:
    """Whether a group with little RAM and much swap can be made here: version 1 as root, with swap turned on."""
    told = memory_of_this_computer()
    return (
        sys.platform == "linux"
        and os.access(GROUP.parent / "memory.memsw.limit_in_bytes", os.W_OK)
        and told is not None
        and told.swap_free > 160 * MIB
    )


@pytest.mark.skipif(not swaps_in_groups(), reason="needs root, memory groups of version 1 and swap")
def test_a_process_that_is_really_swapped_out_says_so(tmp_path: Path) -> None:
    GROUP.mkdir()
    try:
        (GROUP / "memory.limit_in_bytes").write_text(str(120 * MIB))
        (GROUP / "memory.memsw.limit_in_bytes").write_text(str(400 * MIB))
        subprocess.run(
            [sys.executable, "-c", SWAPPED, str(tmp_path), str(GROUP)], check=True, timeout=60, capture_output=True
        )
    finally:
        GROUP.rmdir()
    events = read_all(tmp_path).events
    memory = {e.source: e for e in events if isinstance(e, Memory)}
    assert memory["swapped"].bytes > 64 * MIB
    assert memory["swapped"].bytes + memory["process"].bytes > 200 * MIB
    assert any("lie in swap" in e.text for e in events if isinstance(e, Note))
