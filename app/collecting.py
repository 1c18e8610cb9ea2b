"""Garbage is collected on the GUI thread, and nowhere else in the window's process.

Python collects cycles on whichever thread happens to allocate. A widget of ours that is part of one would then be taken
apart on a thread of `app.background`, which Qt does not survive. So Python's own collection is off while a window
stands, and a timer does the same on the GUI thread, by Python's own thresholds.

It stops that thread for as long as the objects that there are take to be walked, and a search over combinations makes a
hundred thousand of them that are gone a second later. So it waits while work is on a thread, but not for ever; and what
stays as long as the program does is walked once.
"""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer

from app import background

EVERY_MS = 500
PATIENCE_S = 5.0  # that collecting waits for work on a thread: some work is a download


def keep_what_stays() -> None:
    """Once the window stands and is filled: what there is then, modules and its own widgets, is walked no more."""
    gc.collect()
    gc.freeze()


class Collecting(QObject):
    """Collects for as long as it lives; made on the GUI thread."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._last_s = time.monotonic()
        timer = QTimer(self, interval=EVERY_MS)
        timer.timeout.connect(self._tick)
        timer.start()

    def _tick(self) -> None:
        now_s = time.monotonic()
        if background.busy() and now_s - self._last_s < PATIENCE_S:
            return
        self._last_s = now_s
        collect_due()


def collect_due() -> None:
    """Collect the generations whose time has come, the youngest first."""
    for generation, threshold in enumerate(gc.get_threshold()):
        if gc.get_count()[generation] <= threshold:
            return
        gc.collect(generation)
