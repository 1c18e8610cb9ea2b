"""One run at a time, whoever starts it: two would share this computer's memory, and neither was planned so.

Windows and the queue's keeper start through `start_alone`, which looks and starts under one lock; a person at the command
line may do otherwise, and every later start waits for that run too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from planner.problem import Problem, ProblemError, fail
from planner.run import file_lock, lock, queue
from planner.run.folders import work_dir
from planner.run.home import home, runs_dir
from planner.run.start import start

MOST_FOLDERS = 1000
CODE = "run.one_at_a_time"


def going_on(but: Path | None = None) -> Path | None:
    """A run or a proof whose worker lives, whoever started it; None where none does. but: one that does not count."""
    return next((folder for folder in _folders() if folder != but and lock.is_held(folder)), None)


def _folders() -> Iterator[Path]:
    for parent, pattern in ((runs_dir(), "*"), (work_dir(), "prove-*")):
        with contextlib.suppress(OSError):
            yield from sorted(parent.glob(pattern), reverse=True)[:MOST_FOLDERS]
    with contextlib.suppress(ProblemError):  # a queue that cannot be read is told by whoever looks at it
        yield from queue.watched()


def name_of(folder: Path) -> str:
    """For a sentence."""
    return folder.name if folder.parent != work_dir() else "a proof of the longest rows"


def refusal(busy: Path) -> Problem:
    return Problem(
        CODE,
        f"A run is going on, and two would share this computer's memory: {name_of(busy)}.",
        "Queue it: it starts when that one is over and its memory is free, also with this window closed.",
    )


def start_alone(run_dir: Path) -> int:
    """`start`, unless another run goes on. Raises ProblemError `run.one_at_a_time`, and those of `start`."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(file_lock.alone(home() / "start.lock"))
        except TimeoutError:
            raise fail(CODE, "Another window is starting a run at this moment.", "Try again.") from None
        except OSError as error:
            raise fail(
                "run.no_folder",
                f"The folder {str(home())!r} cannot be written: {error.strerror or error}.",
                "Set PLIMSOLL_HOME to a folder that can be written.",
            ) from None
        if (busy := going_on(but=run_dir)) is not None:
            raise ProblemError(refusal(busy))
        return start(run_dir)
