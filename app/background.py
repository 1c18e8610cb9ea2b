"""Work off the GUI thread: a plain function runs on a thread, its result or its `Problem` comes back to the GUI thread.

Nothing that reads a file, asks a device or waits for a process may run anywhere else in the window. The threads are
daemons: a download or a count under way does not keep a closed window's process alive.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable
from itertools import count
from queue import SimpleQueue
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from planner.problem import Problem, ProblemError

SWITCH_S = 0.001
"""How long a thread may compute on while the GUI thread waits for the interpreter, once there are threads. A step of the
GUI asks for it anew after each call into Qt that gave it away, so that Python's own 5 ms would add up to gaps."""

log = logging.getLogger("plimsoll.window")

GONE = "already deleted"
"""What Qt's binding says where a widget is called whose window has closed, and with it the reason for the work."""


class _Post(QObject):
    """Brings what threads say to the GUI thread, in order.

    There is one for as long as the program lives, and it alone knows who is to be told: an object of Qt that was made
    for one piece of work could be dropped while its thread is inside `emit`, and a widget that only a thread still
    knows would be taken apart on that thread.
    """

    _sent = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count()
        self._readers: dict[int, Callable[[Any, bool], None]] = {}
        self._letters: SimpleQueue[tuple[int, Any, bool]] = SimpleQueue()
        self._sent.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def expect(self, read: Callable[[Any, bool], None]) -> int:
        """The number under which a thread's letters reach `read`, with whether it was the last."""
        number = next(self._numbers)
        self._readers[number] = read
        return number

    def send(self, number: int, letter: Any, *, last: bool) -> None:
        """From any thread."""
        self._letters.put((number, letter, last))
        with contextlib.suppress(RuntimeError):  # the window is gone, nobody waits for this any more
            self._sent.emit()

    @Slot()
    def _deliver(self) -> None:
        number, letter, last = self._letters.get_nowait()
        read = self._readers.pop(number) if last else self._readers[number]
        try:
            read(letter, last)
        except RuntimeError as error:
            if GONE not in str(error):
                raise
            log.debug("whoever waited for this is gone: %s", error)


_POST: list[_Post] = []
_UNDER_WAY: set[int] = set()


def busy() -> bool:
    """Whether any work is on a thread now."""
    return bool(_UNDER_WAY)


def _post() -> _Post:
    """Called on the GUI thread only, which is so the one that the first call puts it on."""
    if not _POST:
        sys.setswitchinterval(SWITCH_S)
        _POST.append(_Post())
    return _POST[0]


class Task:
    """One piece of work on its way. `cancel` only forgets who asked; work that has begun runs to its end."""

    def __init__(self) -> None:
        self.wanted = True

    def cancel(self) -> None:
        self.wanted = False


def _outcome(work: Callable[[], Any]) -> tuple[Any, Problem | None]:
    """What the work returned, or why it did not."""
    try:
        return work(), None
    except ProblemError as error:
        return None, error.problem
    except Exception as error:  # the edge of a thread: what is lost here is lost for good
        log.exception("work in the background failed")
        fact = f"Something went wrong in the program: {type(error).__name__}: {error}"
        return None, Problem("window.internal", fact, "The log has the details; please report it.")


def run(
    work: Callable[[], Any],
    done: Callable[[Any], None],
    failed: Callable[[Problem], None] | None = None,
) -> Task:
    """Run `work` on a thread; then, on the GUI thread, `done(result)` or `failed(problem)`."""
    return run_with_progress(lambda _tell: work(), lambda _value: None, done, failed)


def run_with_progress(
    work: Callable[[Callable[[Any], None]], Any],
    progressed: Callable[[Any], None],
    done: Callable[[Any], None],
    failed: Callable[[Problem], None] | None,
) -> Task:
    """Like `run`; `work` gets a function that reports progress, delivered to `progressed` on the GUI thread."""
    task, post = Task(), _post()

    def read(letter: Any, last: bool) -> None:
        if not task.wanted:
            return
        if not last:
            progressed(letter)
            return
        result, problem = letter
        if problem is None:
            done(result)
        elif failed:
            failed(problem)

    _begin(work, post, post.expect(read))
    return task


def _begin(work: Callable[[Callable[[Any], None]], Any], post: _Post, number: int) -> None:
    """Start the thread, which knows the work and a number and nobody who waits for it."""

    def do() -> None:
        outcome = _outcome(lambda: work(lambda value: post.send(number, value, last=False)))
        post.send(number, outcome, last=True)
        _UNDER_WAY.discard(number)

    _UNDER_WAY.add(number)
    threading.Thread(target=do, name="window-work", daemon=True).start()
