"""This machine again and again: asks one lasting child every few seconds, and the single probes where that one fails.

A driver that hangs takes the child with it: it is killed after two seconds, and the single probes say which part it was.
Then the child is left alone for a while, so that a driver that stays broken is not asked every few seconds. Called from a
thread; one call at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from planner.facts.machine import MachineFacts
from planner.probe.child import end, environment, probe_command, run_all
from planner.probe.machine import Said, assemble, probes

LIMIT_S = 2.0
REST_S = 60.0  # after it hung or broke


class Watch:
    """`machine` is this machine now; `close` ends the child."""

    def __init__(
        self, runs_folder: Path | None = None, command: list[str] | None = None, limit_s: float = LIMIT_S
    ) -> None:
        """command: the child's, for tests."""
        self._probes = probes(runs_folder)
        self._command = command or probe_command("stay", self._probes["disk"][0], str(os.getpid()))
        self._limit_s = limit_s
        self._child: subprocess.Popen[str] | None = None
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._rest_until = 0.0
        self._lock = threading.Lock()
        self._alone: Callable[[], dict[str, Said]] = lambda: dict(run_all(self._probes))

    def machine(self) -> MachineFacts:
        """Never raises; takes at most about four seconds, and milliseconds where nothing hangs."""
        with self._lock:
            said = None if self.resting else self._asked()
            if said is None and not self.resting:
                self._drop()
                self._rest_until = time.monotonic() + REST_S
            said = said or self._alone()
        return assemble(said, os.environ.get("CUDA_VISIBLE_DEVICES"))

    @property
    def resting(self) -> bool:
        """Whether the lasting child is left alone for now: asking is dear."""
        return time.monotonic() < self._rest_until

    def close(self) -> None:
        """End the child; another question starts one again."""
        with self._lock:
            self._drop()

    def _asked(self) -> dict[str, Said] | None:
        """The child's answer; None where there is none in time, or it is none."""
        if self._child is None or self._child.poll() is not None:
            self._start()
        child = self._child
        if child is None or child.stdin is None:
            return None
        try:
            child.stdin.write(json.dumps(list(self._probes)) + "\n")
            child.stdin.flush()
            told: Any = json.loads(self._lines.get(timeout=self._limit_s))
        except (OSError, ValueError, Empty):
            return None
        return told if isinstance(told, dict) and set(told) == set(self._probes) else None

    def _start(self) -> None:
        self._child, self._lines = None, SimpleQueue()
        with contextlib.suppress(OSError):
            self._child = subprocess.Popen(  # noqa: S603 - our own command line
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment(),
            )
            threading.Thread(target=_read, args=(self._child, self._lines), name="probe-reader", daemon=True).start()

    def _drop(self) -> None:
        if self._child is not None:
            with contextlib.suppress(OSError):
                if self._child.stdin:
                    self._child.stdin.close()
            end(self._child, read_elsewhere=True)
        self._child = None


def _read(child: subprocess.Popen[str], lines: SimpleQueue[str]) -> None:
    """A pipe cannot be waited for with a limit on every system, so a thread reads it; it ends with the child."""
    assert child.stdout is not None
    with contextlib.suppress(OSError, ValueError), child.stdout as printed:
        for line in printed:
            lines.put(line)
    lines.put("")  # no JSON: whoever waits learns at once that the child is gone
