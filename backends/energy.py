"""Energy of a stretch of a run, where the device has a counter: two readings of `planner.probe.energy` and the clock."""

from __future__ import annotations

import time
from typing import Any

from planner.probe.energy import reading, spent


class Energy:
    """begin it before the steps; `used` says what they took. Without a counter it says nothing."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._before = reading(device)
        self._began = time.monotonic()

    def used(self) -> dict[str, Any]:
        """{joules, joules_s, sensor} since it was made; empty where no sensor was."""
        joules = spent(self._before, reading(self._device)) if self._before else 0.0
        if not joules or self._before is None:
            return {}
        seconds = time.monotonic() - self._began
        return {"joules": round(joules, 1), "joules_s": round(seconds, 3), "sensor": self._before.sensor}
