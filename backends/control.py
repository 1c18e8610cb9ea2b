"""What a person wants of a running training: reads the inbox at each micro-step and keeps what is still to be done.

Pausing holds the run between two micro-steps with all its memory; everything that saves waits for the end of the
optimizer step, because half-gathered gradients are in no checkpoint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from backends.report import Report
from planner.run import inbox
from planner.units import words

LOOK_EVERY_S = 0.1


class Control:
    """ending: '', 'stopped' or 'released', what the run shall end as. wants_checkpoint: at the next step's end.

    idle_s: seconds spent paused or answering, not training.
    """

    def __init__(self, report: Report, held_bytes: Callable[[], int], sample: Callable[[str], None]) -> None:
        self._report = report
        self._held_bytes = held_bytes
        self._sample = sample
        self._wake = threading.Event()
        self._signalled = False
        self._paused = False
        self._questions: list[str] = []
        self.ending = ""
        self.wants_checkpoint = False
        self.idle_s = 0.0

    def ask_to_release(self) -> None:
        """As if `release` had come; safe to call from a signal handler."""
        self._signalled = True
        self._wake.set()

    def between_micro_steps(self) -> None:
        """Obey what has come, and wait here while the run is paused. Returns at once when nothing came."""
        self.look()
        if not (self._paused or self._questions):
            return
        began, phase = time.monotonic(), self._report.phase_name
        self._answer()
        if self._paused:
            self._report.phase("paused", f"It keeps {words(self._held_bytes())}; release gives them back.")
        while self._paused:
            self._wake.wait(LOOK_EVERY_S)
            self.look()
            self._answer()
        self._report.phase(phase)
        self.idle_s += time.monotonic() - began

    def _answer(self) -> None:
        while self._questions:
            self._sample(self._questions.pop(0))

    def look(self) -> None:
        """Read the inbox; what can wait is only noted."""
        commands, problems = inbox.take(self._report.run_dir)
        for problem in problems:
            self._report.note(f"{problem.fact} {problem.advice}", "warning")
        for command in commands:
            match command.verb:
                case "pause":
                    self._paused = True
                case "resume":
                    self._paused = False
                case "checkpoint":
                    self.wants_checkpoint = True
                    if self._paused:
                        self._report.note("The checkpoint is made at the end of this step, after resume.")
                case "stop":
                    self.ending = "stopped"
                case "release":
                    self.ending = "released"
                case "sample":
                    self._questions.append(command.say)
        if self._signalled:
            self._signalled = False  # once: where it could not be obeyed, asking at every step changes nothing
            self.ending = "released"
        if self.ending:
            self._paused = False  # the step has to end first
