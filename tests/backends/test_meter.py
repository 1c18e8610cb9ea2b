"""The meter reads what this process really holds, keeps short peaks, and falls silent when it is told to."""

from __future__ import annotations

import itertools
import mmap
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backends import meter as metering
from backends.meter import Meter, Track
from backends.report import Report
from planner.run.events import Memory
from planner.run.journal import read_all
from planner.units import MIB

SIZE = 96 * MIB


def allocated() -> mmap.mmap:
    """Anonymous memory that is really there: each page is written to."""
    block = (
        mmap.mmap(-1, SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MAP_PRIVATE")
        else mmap.mmap(-1, SIZE)
    )
    block.write(b"x" * SIZE)
    return block


def in_a_process_of_its_own(claims: str) -> None:
    """Runs claims where nothing else allocates or frees: here, garbage of earlier tests may go at any moment."""
    script = f"import mmap\nfrom backends.meter import process_bytes\nSIZE = {SIZE}\n{claims}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_allocated_is_measured_and_what_is_freed_is_gone() -> None:
    in_a_process_of_its_own("""
before = process_bytes()
block = mmap.mmap(-1, SIZE, **({"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}))
block.write(b"x" * SIZE)
during = process_bytes()
assert abs(during - before - SIZE) < SIZE // 10, (before, during)
block.close()
after = process_bytes()
assert after - before < SIZE // 10, (before, after)
""")


def test_pages_of_a_mapped_file_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"x" * SIZE)
    in_a_process_of_its_own(f"""
with open({str(path)!r}, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    before = process_bytes()
    assert sum(mapped[i] for i in range(0, SIZE, 4096)) > 0
    during = process_bytes()
    assert during - before < SIZE // 10, (before, during)
""")


def test_a_peak_between_two_events_is_kept_with_where_it_was(tmp_path: Path) -> None:
    report = Report(tmp_path)
    meter = Meter(report)
    meter.mark("forward", 7)
    block = allocated()
    meter.mark("backward")
    block.close()
    meter.mark("")
    meter.start()
    meter.stop()
    report.close()
    told = [e for e in read_all(tmp_path).events if isinstance(e, Memory)]
    assert told[0].step == 7
    assert told[0].moment == "backward"
    assert told[0].bytes == told[0].peak_bytes == meter.main.peak
    assert told[0].bytes - meter.process.last > SIZE // 2
    assert told[0].others_bytes > 0


def test_nothing_is_written_after_stop(tmp_path: Path) -> None:
    report = Report(tmp_path)
    meter = Meter(report)
    meter.start()
    meter.stop()
    count = len(read_all(tmp_path).events)
    meter.mark("forward", 1)
    meter.stop()
    assert len(read_all(tmp_path).events) == count > 0
    report.close()


def test_a_track_keeps_the_highest_reading_and_its_moment() -> None:
    track = Track("process", "host")
    for n, moment in ((5, "a"), (9, "b"), (3, "c")):
        track.take(n, 1, moment)
    assert (track.last, track.high, track.high_moment, track.peak, track.peak_moment) == (3, 9, "b", 9, "b")
    track.high = -1
    track.take(4, 2, "d")
    assert (track.high, track.high_moment, track.peak, track.peak_step) == (4, "d", 9, 1)


def test_who_sees_two_steps_only_looks_more_closely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[float] = []
    enough = threading.Event()

    def read() -> tuple[int, int]:
        readings.append(time.monotonic())
        if len(readings) >= 40:
            enough.set()
        return MIB, 0

    monkeypatch.setattr(metering, "process_reading", read)
    meter = Meter(Report(tmp_path))
    meter.look_closely()
    meter.start()
    assert enough.wait(60)
    meter.stop()
    gaps = [b - a for a, b in itertools.pairwise(readings)]
    assert statistics.median(gaps) < metering.PROCESS_EVERY_S / 2
