"""Energy of a stretch of a run, where the device has a counter: readings of `planner.probe.energy` added up, and the clock.

A processor's counter begins anew after some 262 kJ, in a long run many times over. So a thread reads it on the way, where
there is one at all, and what lies between two readings is added up.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from planner.probe.energy import reading, spent

EVERY_S = 20.0  # 262 kJ in so short a time would be 13 kW


class Energy:
    """begin it before the steps; `used` ends it and says what they took. Without a counter it says nothing."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._last = reading(device)
        self._joules = 0.0
        self._began = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="energy", daemon=True)
        if self._last is not None:
            self._thread.start()

    def read(self) -> None:
        """Add what was used since the last reading; one that fails is made up for by the next."""
        now = reading(self._device)
        if now is not None:
            self._joules += spent(self._last, now)
            self._last = now

    def used(self) -> dict[str, Any]:
        """{joules, joules_s, sensor} since it was made; empty where no sensor was."""
        if self._last is None:
            return {}
        self._over.set()
        self._thread.join()
        self.read()
        if not self._joules:
            return {}
        seconds = time.monotonic() - self._began
        return {"joules": round(self._joules, 1), "joules_s": round(seconds, 3), "sensor": self._last.sensor}

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            self.read()
