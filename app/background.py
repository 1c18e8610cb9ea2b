"""Work off the GUI thread: a plain function runs on a thread, its result or its `Problem` comes back as a signal.

Nothing that reads a file, asks a device or waits for a process may run anywhere else in the window. The threads are
daemons: a download or a count under way does not keep a closed window's process alive.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from planner.problem import Problem, ProblemError

log = logging.getLogger("plimsoll.window")


class _Mailbox(QObject):
    """Lives on the GUI thread, so that what is posted from a thread arrives there, in order."""

    progressed = Signal(object)
    came = Signal(object, object)  # result, problem


class Task:
    """One piece of work on its way. `cancel` only forgets who asked; work that has begun runs to its end."""

    def __init__(self) -> None:
        self.wanted = True

    def cancel(self) -> None:
        self.wanted = False


_UNDER_WAY: set[_Mailbox] = set()  # keeps mailboxes alive until their letter is read


def _do(work: Callable[[], Any], box: _Mailbox) -> None:
    result, problem = None, None
    try:
        result = work()
    except ProblemError as error:
        problem = error.problem
    except Exception as error:  # the edge of a thread: what is lost here is lost for good
        log.exception("work in the background failed")
        fact = f"Something went wrong in the program: {type(error).__name__}: {error}"
        problem = Problem("window.internal", fact, "The log has the details; please report it.")
    with contextlib.suppress(RuntimeError):  # the window is gone, nobody waits for this any more
        box.came.emit(result, problem)


def run(
    work: Callable[[], Any],
    done: Callable[[Any], None],
    failed: Callable[[Problem], None] | None = None,
) -> Task:
    """Run `work` on a thread; then, on the GUI thread, `done(result)` or `failed(problem)`."""
    task, box = Task(), _Mailbox()
    _UNDER_WAY.add(box)

    def came(result: Any, problem: Problem | None) -> None:
        _UNDER_WAY.discard(box)
        box.deleteLater()
        if not task.wanted:
            return
        if problem is None:
            done(result)
        elif failed:
            failed(problem)

    box.came.connect(came, Qt.ConnectionType.QueuedConnection)
    threading.Thread(target=_do, args=(work, box), name="window-work", daemon=True).start()
    return task


def run_with_progress(
    work: Callable[[Callable[[Any], None]], Any],
    progressed: Callable[[Any], None],
    done: Callable[[Any], None],
    failed: Callable[[Problem], None],
) -> Task:
    """Like `run`; `work` gets a function that reports progress, delivered to `progressed` on the GUI thread."""
    task, box = Task(), _Mailbox()
    _UNDER_WAY.add(box)

    def tell(value: Any) -> None:
        if task.wanted:
            progressed(value)

    box.progressed.connect(tell, Qt.ConnectionType.QueuedConnection)

    def came(result: Any) -> None:
        _UNDER_WAY.discard(box)
        done(result)

    def went_wrong(problem: Problem) -> None:
        _UNDER_WAY.discard(box)
        failed(problem)

    run(lambda: work(box.progressed.emit), came, went_wrong)
    return task
