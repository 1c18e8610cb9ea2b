"""The last net: an exception nobody expected goes to a log file and to the problem bar, never into the window as text."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from planner.problem import Problem, ProblemError
from planner.run.home import home

LOG_NAME = "window.log"
log = logging.getLogger("plimsoll.window")


def log_path() -> Path:
    return home() / LOG_NAME


def open_log() -> None:
    """Write the program's own log to a file of at most a megabyte; go without where that cannot be written."""
    if log.handlers:
        return
    try:
        home().mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            log_path(), maxBytes=1_000_000, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False


def problem_of(error: BaseException) -> Problem:
    """An exception as something a person can read."""
    if isinstance(error, ProblemError):
        return error.problem
    fact = f"Something went wrong in the program: {type(error).__name__}: {error}"
    return Problem(
        "window.internal", fact, f"Your plan and your run are not touched. Details are in {str(log_path())!r}."
    )


def catch_all(show: Callable[[Problem], None]) -> None:
    """Install the hooks. `show` may be called from any thread."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("unexpected", exc_info=(kind, error, trace))
        show(problem_of(error))

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            hook(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = hook
    threading.excepthook = thread_hook
