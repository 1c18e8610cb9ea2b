"""The worker's voice: every event goes through here, stamped with the time, and it knows phase and step for failures.

Nothing is printed: what libraries print lands in worker.log, what a person should know lands in the journal.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from planner.problem import Problem
from planner.run import events, layout, retry
from planner.run.journal import Journal


class Report:
    """One per worker. `phase` and `step` say where the run stands."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.phase_name = "start"
        self.step = 0
        self._journal = Journal(run_dir)

    def write(self, event: events.Event) -> None:
        self._journal.append(event)

    def phase(self, name: str, detail: str = "") -> None:
        self.phase_name = name
        self.write(events.Phase(time.time(), name, detail))

    def note(self, text: str, level: str = "info") -> None:
        self.write(events.Note(time.time(), level, text))

    def started(
        self,
        *,
        resumed_from: int = -1,
        total_steps: int = 0,
        libraries: Iterable[str] = ("transformers",),
        device: str = "cpu",
    ) -> None:
        """The first event of each worker. libraries: whose installed versions are worth keeping."""
        versions = {"python": platform.python_version(), **{name: metadata.version(name) for name in libraries}}
        self.step = max(0, resumed_from)
        changes = layout.changes(self.run_dir)
        self.write(events.Started(time.time(), os.getpid(), resumed_from, total_steps, versions, device, changes))
        if changed := retry.pending_note(self.run_dir):
            self.note(changed, "warning")

    def ending(
        self, result: str, sha256: str, sentence: str, *, outcome: str = "done", measured: dict[str, Any] | None = None
    ) -> events.Finished:
        """The last word of a job that did what it was asked to; written by the worker when everything is closed."""
        return events.Finished(time.time(), outcome, self.step, result, sha256, measured or {}, sentence)

    def failed(self, problem: Problem, details: dict[str, Any] | None = None) -> None:
        """The last word of a run that could not go on."""
        self.write(events.Failed(time.time(), self.phase_name, self.step, problem, details or {}))
        self.sync()

    def finished(self, event: events.Finished) -> None:
        self.write(event)
        self.sync()

    def sync(self) -> None:
        self._journal.sync()

    def close(self) -> None:
        self._journal.close()
