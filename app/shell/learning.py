"""What finished runs and proofs teach about this computer, brought to the open plan. Files are read off the GUI thread.

It corrects nothing itself: `app.calibrating` keeps the observations and makes corrections of them.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app import background, calibrating
from planner.calibration.correction import Correction
from planner.problem import ProblemError

Lessons = tuple[tuple[Correction, ...], dict[str, float]]


def lessons() -> Lessons:
    """Corrections as they are now, and when each run that they come from ended (seconds, epoch). None where the store
    cannot be read: that stands in the machine's notes already."""
    try:
        return calibrating.corrections(), {one.name: one.time for one, _ in calibrating.observations()}
    except ProblemError:
        return (), {}


class Learning(QObject):
    """`learned` carries this computer's corrections whenever they were read; `times` says when their runs ended."""

    learned = Signal(object)
    acted = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.times: dict[str, float] = {}

    def after_run(self, run_dir: Path) -> None:
        """A run has come to its end: learn from it, and say so."""
        background.run(lambda: (calibrating.told(run_dir), lessons()), lambda found: self._learned(*found))

    def refresh(self) -> None:
        """Read again what is known."""
        background.run(lessons, lambda found: self._learned([], found))

    def _learned(self, told: list[str], found: Lessons) -> None:
        corrections, self.times = found
        for sentence in told[-1:]:
            self.acted.emit(sentence)
        self.learned.emit(corrections)
