"""Measures what a run really takes, from a thread beside it, and stamps each reading with step and moment.

It reads counters that cost microseconds and changes nothing: no allocator is reset, no cache emptied. The figure of a
CPU run is the anonymous memory of the process (Linux: RssAnon; elsewhere psutil's unique set size): file pages can be
dropped by the system at any time and are not counted. The figure of a CUDA run is what the process holds of the card:
torch's reserved bytes and the context beside them, where the driver tells its size; never run on a card yet. What of the
process lies in swap is a figure of its own (`swapped`), told only where there is some: `backends.spill` says what it means.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import psutil

from backends.report import Report
from backends.spill import Room, Spill
from planner.run.events import Memory

EVENT_EVERY_S = 0.2  # in the first quarter of an hour; a run of days does not need half a million readings
SLOWEST_EVENT_S = 5.0
PROCESS_EVERY_S = 0.02 if sys.platform == "linux" else 0.2  # a read costs some 30 µs on Linux, milliseconds elsewhere
STATUS = "/proc/self/status"
CLOSELY_EVERY_S = 0.002 if sys.platform == "linux" else 0.05


def process_bytes() -> int:
    """Anonymous memory of this process now."""
    return process_reading()[0]


def process_reading() -> tuple[int, int]:
    """Anonymous memory of this process in RAM, and what of it lies in swap: 0 where the system does not tell."""
    if sys.platform != "linux":
        return int(psutil.Process().memory_full_info().uss), 0
    with open(STATUS, "rb") as file:  # noqa: PTH123 - read fifty times a second
        text = file.read()
    swapped = _kib_after(text, b"VmSwap:") or 0
    anonymous = _kib_after(text, b"RssAnon:")
    if anonymous is None:  # sandboxes and Windows' first Linux layer do not part it from file pages
        memory = psutil.Process().memory_info()
        return int(memory.rss - memory.shared), swapped
    return anonymous, swapped


def _kib_after(text: bytes, name: bytes) -> int | None:
    start = text.find(name)
    return None if start < 0 else int(text[start + len(name) : text.index(b"kB", start)]) * 1024


@dataclass
class Track:
    """One source's highest readings: since the last event, of the session, with where they were taken, and of a stretch
    that somebody began."""

    source: str
    tier: str
    last: int = 0
    high: int = -1
    high_step: int = -1
    high_moment: str = ""
    peak: int = 0
    peak_step: int = -1
    peak_moment: str = ""
    stretch_peak: int = 0

    def take(self, n: int, step: int, moment: str) -> None:
        self.last = n
        if n > self.high:
            self.high, self.high_step, self.high_moment = n, step, moment
        if n > self.peak:
            self.peak, self.peak_step, self.peak_moment = n, step, moment
        self.stretch_peak = max(self.stretch_peak, n)


class Meter:
    """Start it after `Started` and before the model is loaded; `mark` says where the run stands; `stop` ends the thread."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._step = -1
        self._moment = ""
        self._every_s = PROCESS_EVERY_S
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.process = Track("process", "host")
        self.swapped = Track("swapped", "host")
        self._spill = Spill(lambda text: report.note(text, "warning"))
        self._cuda: _Cuda | None = None
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look_closely(self) -> None:
        """Ten readings where there was one: of two steps alone, a peak between two readings would not come again."""
        self._every_s = CLOSELY_EVERY_S

    def watch_cuda(self, device: Any) -> None:
        """Follow a CUDA device as well, from when the model is there: asking earlier would create its context."""
        self._cuda = _Cuda(device)

    def mark(self, moment: str, step: int | None = None) -> None:
        """The run enters a moment of a step; take a reading exactly here."""
        with self._lock:
            self._moment = moment
            if step is not None:
                self._step = step
            self._read()

    def step_took(self, seconds: float, tokens: int) -> None:
        """How long a step took without pauses, for so many tokens: steps that become slow while memory is full are told."""
        with contextlib.suppress(OSError):
            self._spill.step(seconds, tokens, self._rooms)

    def _rooms(self) -> tuple[Room, ...]:
        memory = psutil.virtual_memory()
        ram = Room("RAM", memory.available, memory.total)
        return (*(self._cuda.room() if self._cuda else ()), ram)

    def tell(self) -> None:
        """An event with a reading of this instant, beside the regular ones."""
        self.mark(self._moment)
        with contextlib.suppress(OSError):
            self._tell()

    @property
    def moment(self) -> str:
        """Where the run stands within a step, as it was marked last."""
        return self._moment

    @property
    def main(self) -> Track:
        """The track a plan's prediction is compared with: what the process holds of the device, else of RAM."""
        return self._cuda.main if self._cuda else self.process

    @property
    def card(self) -> tuple[Track, ...]:
        """The tracks of the card; none where the CPU computes."""
        return self._cuda.tracks if self._cuda else ()

    def begin_stretch(self, moment: str) -> None:
        """From here on `end_stretch` tells the highest; a reading every PROCESS_EVERY_S, also on a card."""
        self.mark(moment)
        with self._lock:
            self.main.stretch_peak = self.main.last

    def end_stretch(self) -> int:
        """The highest reading of the main track since `begin_stretch`."""
        self.mark("")
        return self.main.stretch_peak

    def stop(self) -> None:
        """One last reading and event, then no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        due, began = 0.0, time.monotonic()
        while True:
            over = self._over.wait(self._every_s)
            with self._lock:
                self._read()
            now = time.monotonic()
            if now >= due or over:
                due = now + min(SLOWEST_EVENT_S, max(EVENT_EVERY_S, (now - began) / 5000))
                with contextlib.suppress(OSError):  # a disk full for an instant costs a reading, not all that follow
                    self._tell()
            if over:
                return

    def _read(self) -> None:
        anonymous, swapped = process_reading()
        self.process.take(anonymous, self._step, self._moment)
        if swapped or self.swapped.peak:
            self.swapped.take(swapped, self._step, self._moment)
        if self._cuda:
            self._cuda.read(self._step, self._moment)

    def _tell(self) -> None:
        ours = self.process.high
        self._spill.reading(self.swapped.last)
        memory = psutil.virtual_memory()
        others = {"host": max(0, memory.total - memory.available - ours)}
        if self._cuda:
            others["device"] = self._cuda.others_bytes()
        swapped = [self.swapped] if self.swapped.peak else []
        for track in [self.process, *swapped, *(self._cuda.tracks if self._cuda else ())]:
            with self._lock:
                event = Memory(
                    time=time.time(),
                    source=track.source,
                    tier=track.tier,
                    bytes=track.high,
                    peak_bytes=track.peak,
                    step=track.high_step,
                    moment=track.high_moment,
                    others_bytes=others[track.tier],
                )
                track.high = -1
            if event.bytes >= 0:
                self._report.write(event)


class _Cuda:
    """torch's own counters of one device, and what the driver says of the whole card."""

    def __init__(self, device: Any) -> None:
        import torch

        self._torch = torch.cuda
        self._device = device
        self.allocated = Track("allocated", "device")
        self.reserved = Track("reserved", "device")
        self.whole = Track("process", "device")
        self._context_bytes = 0
        self._handle = self._find()

    @property
    def tracks(self) -> tuple[Track, ...]:
        return (self.allocated, self.reserved, *((self.whole,) if self._context_bytes else ()))

    @property
    def main(self) -> Track:
        """Reserved bytes with the context; without it where the driver does not tell."""
        return self.whole if self._context_bytes else self.reserved

    def _find(self) -> Any:
        with contextlib.suppress(Exception):  # no driver library, or an old one: the two other sources remain
            import pynvml

            pynvml.nvmlInit()
            properties = self._torch.get_device_properties(self._device)
            return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{properties.uuid}")
        return None

    def read(self, step: int, moment: str) -> None:
        self.allocated.take(self._torch.memory_allocated(self._device), step, moment)
        self.reserved.take(self._torch.memory_reserved(self._device), step, moment)
        # the allocator's own high-water marks are exact where sampling may miss an instant
        self.allocated.peak = max(self.allocated.peak, self._torch.max_memory_allocated(self._device))
        self.reserved.peak = max(self.reserved.peak, self._torch.max_memory_reserved(self._device))
        self.whole.take(self.reserved.last + self._context_bytes, step, moment)
        self.whole.peak = max(self.whole.peak, self.reserved.peak + self._context_bytes)

    def room(self) -> tuple[Room, ...]:
        """What the card has, as the driver counts it; nothing where it does not say."""
        with contextlib.suppress(Exception):
            free, total = self._torch.mem_get_info(self._device)
            return (Room("the card", int(free), int(total)),)
        return ()

    def others_bytes(self) -> int:
        """Bytes of the card that other programs hold, 0 where the driver does not say."""
        if self._handle is None:
            return 0
        with contextlib.suppress(Exception):
            import pynvml

            before = int(self._torch.memory_reserved(self._device))
            used = int(pynvml.nvmlDeviceGetMemoryInfo(self._handle).used)
            mine = [
                p.usedGpuMemory
                for p in pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
                if p.pid == os.getpid() and p.usedGpuMemory
            ]
            reserved = int(self._torch.memory_reserved(self._device))
            if mine and before == reserved:  # else torch took or gave between the two questions
                # it grows: kernels are loaded when they are first used
                self._context_bytes = max(self._context_bytes, int(mine[0]) - reserved)
            return max(0, used - reserved - self._context_bytes)
        return 0
