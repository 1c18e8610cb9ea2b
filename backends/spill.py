"""Notices when a run goes on only because the system moves memory aside: swap, or a card's driver that takes RAM.

Neither is an error to anybody: the run is only many times slower, for hours. Two signs are told, as warnings in the journal:
what of the process lies in swap (Linux says so), and steps that take three times as long as they did while the memory is
full. The second covers what no counter tells: macOS's compressor, and the driver of NVIDIA on Windows, which moves what does
not fit on the card to RAM ("CUDA - Sysmem Fallback Policy" in its control panel). Windows' counters of dedicated and shared
GPU memory are not read. The first sign was held against a process that was really swapped out (Linux, a memory group of
version 1); nothing here was ever run on Windows, a Mac or a card.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from planner.problem import Problem
from planner.units import MIB, words

WORTH_TELLING_BYTES = 64 * MIB
SLOWER = 3.0
WELL_AGAIN = 1.5
FULL_SHARE = 0.03  # of a place's memory: less is free
WARM_UP_STEPS = 2  # the first steps load kernels and fill caches
BASELINE_STEPS = 5
RECENT_STEPS = 3
LESS = "Stop it, and resume with a smaller batch or shorter rows; or close other programs."


@dataclass(frozen=True)
class Room:
    """What one place has: its name for people, bytes free and in all; total 0 where nobody tells."""

    name: str
    free_bytes: int
    total_bytes: int

    @property
    def full(self) -> bool:
        return self.total_bytes > 0 and self.free_bytes < FULL_SHARE * self.total_bytes


class Spill:
    """Told of each reading and each step; `tell` gets a sentence when there is something to say."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told_bytes = 0
        self._steps = 0
        self._usual = 0.0  # seconds per token, while all was well
        self._first: list[float] = []
        self._recent: deque[float] = deque(maxlen=RECENT_STEPS)
        self._slow = False

    def reading(self, swapped_bytes: int) -> None:
        """What of the process lies in swap now. Told once, and again when it has doubled."""
        if swapped_bytes < WORTH_TELLING_BYTES or swapped_bytes < 2 * self._told_bytes:
            return
        self._told_bytes = swapped_bytes
        fact = (
            f"{words(swapped_bytes)} of this run lie in swap: RAM is full, and steps that need them wait for the disk."
        )
        self._say(fact)

    def step(self, seconds: float, tokens: int, rooms: Callable[[], tuple[Room, ...]]) -> None:
        """How long a step took, and for how much. rooms: asked only when it took long."""
        self._steps += 1
        if self._steps <= WARM_UP_STEPS or tokens <= 0 or seconds <= 0:
            return
        now = seconds / tokens
        self._recent.append(now)
        if len(self._first) < BASELINE_STEPS:
            self._first.append(now)
            self._usual = statistics.median(self._first)
            return
        lately = statistics.median(self._recent)
        self._usual = min(self._usual, lately)  # a run that begins slowly and gets better
        if self._slow:
            self._slow = lately > WELL_AGAIN * self._usual
        elif lately >= SLOWER * self._usual:
            full = [room for room in rooms() if room.full]
            if full:
                self._slow = True
                room = full[0]
                self._say(
                    f"Steps take {lately / self._usual:.1f} times as long as before while {room.name} is full "
                    f"({words(room.free_bytes)} of {words(room.total_bytes)} free): it is likely that memory is moved "
                    "aside, to swap or by the driver."
                )

    def _say(self, fact: str) -> None:
        problem = spilled(fact)
        self._tell(f"{problem.fact} {problem.advice}")


def spilled(fact: str) -> Problem:
    """That a run has spilled, and what to do."""
    return Problem("memory.spill", fact, LESS)
