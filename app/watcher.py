"""Follows one process from outside: a reading up to five times a second, off the GUI thread, one at a time.

It only looks. A process that ends is news, not an error; one that may not be read, or whose number was given again, is a
Problem. Nothing is kept when the watch is over.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QTimer, Signal

from app import background
from app.pages.run.state import Said
from app.pages.watch.state import WatchRecord, forgotten
from planner.probe.process import Reading, Watched
from planner.problem import Problem

READ_EVERY_MS = 200
ENDED = "watch.has_ended"


class Watcher(QObject):
    """`changed` carries the `WatchRecord`; `attached` follows the first reading; `detached` when nothing is watched."""

    changed = Signal(object)
    attached = Signal()
    detached = Signal()
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.record = WatchRecord()
        self.process: Watched | None = None
        self.readings = 0
        self._asked = 0  # how often a process was chosen: what an earlier choice brings in is too late
        self._reading = False
        self._timer = QTimer(self, interval=READ_EVERY_MS)
        self._timer.timeout.connect(self.read)

    def attach(self, pid: int, started: float = 0.0) -> None:
        """Watch this process from now on. started: as the list of processes gave it, so that it is the same one."""
        self._asked += 1
        asked = self._asked
        background.run(
            lambda: Watched(pid, started),
            lambda process: self._attached(process) if asked == self._asked else None,
            lambda problem: self.problem.emit(problem) if asked == self._asked else None,
        )

    def _attached(self, process: Watched) -> None:
        self.process, self._reading, self.readings = process, False, 0
        self.record = forgotten(self.record)
        self.record.pid, self.record.name, self.record.command = process.pid, process.name, process.command
        self.record.begin(time.time())
        self.attached.emit()
        self.changed.emit(self.record)
        self._timer.start()
        self.read()

    def detach(self) -> None:
        """Look no more; the process does not notice."""
        self._asked += 1
        self._timer.stop()
        self.process = None
        self.record = forgotten(self.record)
        self.detached.emit()

    def show_plan(self, said: Said) -> None:
        """The open plan says this now."""
        self.record.take_plan(said)
        if self.process is not None:
            self.changed.emit(self.record)

    def add_children(self, children: bool) -> None:
        self.record.children = children

    def read(self) -> None:
        process, children = self.process, self.record.children
        if process is None or self._reading:
            return
        self._reading = True
        background.run(
            lambda: process.read(children=children),
            lambda reading: self._saw(process, reading),
            lambda problem: self._lost(process, problem),
        )

    def _saw(self, process: Watched, reading: Reading) -> None:
        if process is self.process:
            self._reading = False
            self.readings += 1
            self.record.take(reading, time.time())
            self.changed.emit(self.record)

    def _lost(self, process: Watched, problem: Problem) -> None:
        if process is not self.process:
            return
        self._timer.stop()
        self._reading = False
        self.process = None
        self.record.end()
        self.changed.emit(self.record)
        if problem.code != ENDED:
            self.problem.emit(problem)
