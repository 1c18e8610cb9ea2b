"""Probes that stay: one process that answers again and again, so that watching what is free costs no new process each time.

`python -P -m planner.probe stay RUNS_FOLDER OWN_PID` reads one line for each question and answers each with one line of
JSON, in the shape that the single probes have. It ends when its input does. Between two questions it holds no driver open:
a laptop's card may sleep, and a driver may be updated. Programs that hold memory are looked through at most every few
seconds, or when much has changed: that is the dearest part.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

HOLDERS_EVERY_S = 12.0
MUCH = 0.01  # of the RAM: a change worth looking for who it was


class Staying:
    """What is kept from one question to the next: what does not change, and who held memory when last looked."""

    def __init__(self, folder: str, own_pid: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._own, self._clock = folder, own_pid, clock
        self._host: dict[str, Any] = {}
        self._looked_at = 0.0
        self._available_then = 0

    def answer(self, names: list[str]) -> dict[str, dict[str, Any] | str]:
        """{probe: what it says, or why it says nothing}; a probe that fails costs its part."""
        told: dict[str, dict[str, Any] | str] = {}
        for name in names:
            try:
                told[name] = self._one(name)
            except Exception as error:  # whatever a driver's library raises, the others' answers stand
                told[name] = f"it failed with {type(error).__name__}"
        return told

    def _one(self, name: str) -> dict[str, Any]:
        from planner.probe.__main__ import PROBES

        if name == "host":
            return self._of_host()
        arguments = {"disk": (self._folder,), "nvidia": (self._own,), "amd": (self._own,)}.get(name, ())
        found: dict[str, Any] = importlib.import_module(PROBES[name]).probe(*arguments)
        return found

    def _of_host(self) -> dict[str, Any]:
        from planner.probe import host

        now = host.memory()
        moved = abs(now["ram_available_bytes"] - self._available_then) > MUCH * max(1, now["ram_total_bytes"])
        if not self._host or moved or self._clock() - self._looked_at > HOLDERS_EVERY_S:
            self._host = host.probe(self._own)
            self._looked_at, self._available_then = self._clock(), self._host["ram_available_bytes"]
            return self._host
        return {**self._host, **now}


def main(arguments: list[str], questions: TextIO | None = None, answers: TextIO | None = None) -> int:
    """Answer until there are no more questions. A question is a list of probes' names."""
    folder, own = [*arguments, "", "0"][:2]
    staying = Staying(folder, own)
    out = answers or sys.stdout
    for line in questions or sys.stdin:
        names = json.loads(line)
        out.write(json.dumps(staying.answer(names)) + "\n")
        out.flush()
    return 0
