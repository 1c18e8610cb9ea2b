"""Follows a worker's job to its last word for the verbs that wait for one; Ctrl-C asks it to stop. It starts nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from app.cli import output
from planner.problem import ProblemError
from planner.run import inbox, journal, lock
from planner.run.events import Failed, Finished, Phase

LOOK_EVERY_S = 0.1


def followed(folder: Path, tell: Callable[[Phase], None], at_stop: str) -> Finished:
    """The last word, when the worker has let its folder go. tell: gets each phase; at_stop: said when a person stops it.

    Raises ProblemError of a job that failed, and `worker.died`.
    """
    offset = 0
    while True:
        try:
            alive = lock.is_held(folder)  # asked before reading: what was written before the end is then read
            reading = journal.read(folder, offset, over=not alive)
            offset = reading.offset
            for event in reading.events:
                if isinstance(event, Failed):
                    raise ProblemError(event.problem)
                if isinstance(event, Phase):
                    tell(event)
                if isinstance(event, Finished):
                    _let_go(folder)
                    return event
            if not alive and not reading.events:
                raise ProblemError(lock.died(folder))
            time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            inbox.send(folder, "stop")
            output.remark(at_stop)


def _let_go(folder: Path) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while lock.is_held(folder):
            time.sleep(LOOK_EVERY_S)
