"""Follows what this computer has free while the window is looked at, through one lasting process.

Every three seconds on mains power, every twenty on battery or after a driver hung; not at all while the window is hidden
or another one is in front: then the process ends. It never makes a step of the history.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app import background
from app.calibrating import with_corrections
from app.document import Document
from app.free_now import Steady, what_changed
from planner.estimate import estimate
from planner.facts.machine import MachineFacts
from planner.probe.watch import Watch

EVERY_MS = 3_000
SPARINGLY_MS = 20_000


class Refreshing(QObject):
    """`seen` carries every reading, `settled` those that the plan takes, `acted` who took or gave back memory."""

    seen = Signal(object)
    settled = Signal(object)
    acted = Signal(str)

    def __init__(self, document: Document, window: QWidget) -> None:
        super().__init__(window)
        self._document, self._window = document, window
        self._watch = Watch()
        self._steady = Steady(self._verdict_on)
        self._asking = False
        self._last: MachineFacts | None = None  # the reading before
        self.here: MachineFacts | None = None  # what the window shows, None until it has opened
        self._timer = QTimer(self, singleShot=True, interval=EVERY_MS)
        self._timer.timeout.connect(self.ask)

    def begin(self, here: MachineFacts) -> None:
        """From the figures that the window opened with."""
        self.here = here
        self._last = self._last or here
        if not self._timer.isActive():
            self._timer.start()

    @property
    def wanted(self) -> bool:
        window = self._window
        return self.here is not None and window.isVisible() and window.isActiveWindow() and not window.isMinimized()

    def looked_at(self) -> None:
        """The window has come to the front or gone from it: ask at once, or let the process end."""
        if self.wanted:
            self.ask()
        elif not self._asking:
            self._timer.stop()
            background.run(self._watch.close, lambda _done: None)

    def ask(self) -> None:
        """What is free now."""
        if self._asking or not self.wanted:
            return
        self._asking = True
        self._timer.stop()
        background.run(lambda: (with_corrections(self._watch.machine()), _on_battery()), self._told, self._failed)

    def leave(self) -> None:
        """The window closes. The process ends by itself when its input does; it is not waited for."""
        self.here = None
        self._timer.stop()
        background.run(self._watch.close, lambda _done: None)

    def _told(self, told: tuple[MachineFacts, bool]) -> None:
        now, sparingly = told
        self._next(SPARINGLY_MS if sparingly or self._watch.resting else EVERY_MS)
        here = self.here
        if here is None or now.ram_total_bytes == 0:
            return
        before, self._last = self._last or here, now
        self.seen.emit(now)
        if sentence := what_changed(before, now):
            self.acted.emit(sentence)
        if self._steady.take(here, now):
            self.settled.emit(now)

    def _failed(self, _problem: object) -> None:
        self._next(SPARINGLY_MS)

    def _next(self, in_ms: int) -> None:
        self._asking = False
        if self.wanted:
            self._timer.start(in_ms)
        elif self.here is not None:
            self.looked_at()

    def _verdict_on(self, machine: MachineFacts) -> object:
        plan = self._document.plan
        if plan is None or plan.machine.name != machine.name:
            return None
        return estimate(replace(plan, machine=machine)).verdict


def _on_battery() -> bool:
    """Whether asking often costs a charge. Systems without a battery, or that do not tell, are on mains."""
    import psutil

    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError, ValueError):  # not on every system
        return False
    return battery is not None and battery.power_plugged is False
