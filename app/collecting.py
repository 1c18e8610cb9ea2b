"""Garbage is collected on the GUI thread, and nowhere else in the window's process.

Python collects cycles on whichever thread happens to allocate. A widget of ours that is part of one would then be taken
apart on a thread of `app.background`, which Qt does not survive. So Python's own collection is off while a window
stands, and a timer does the same on the GUI thread, by Python's own thresholds.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 500


class Collecting(QObject):
    """Collects for as long as it lives; made on the GUI thread."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        timer = QTimer(self, interval=EVERY_MS)
        timer.timeout.connect(collect_due)
        timer.start()


def collect_due() -> None:
    """Collect the generations whose time has come, the youngest first."""
    for generation, threshold in enumerate(gc.get_threshold()):
        if gc.get_count()[generation] <= threshold:
            return
        gc.collect(generation)
