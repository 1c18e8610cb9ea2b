"""Turns what libraries raise into Problems a person can act on. The traceback itself stays in worker.log.

Libraries raise plain RuntimeErrors and their own types for "memory" and "disk full", so words have to be read; each
word here was seen in a real failure.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

from planner.problem import Problem, ProblemError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# OSError of Python, SafetensorError of Rust ("Os { code: 28, kind: StorageFull …"), Arrow ("[errno 28] …")
FULL_WORDS = ("no space left", "storagefull", "filetoolarge", "file too large", "quotaexceeded", "errno 28")
MEMORY_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cannot allocate memory",
    "failed to allocate",
    "std::bad_alloc",
    "bad allocation",
)


def is_disk_full(error: BaseException) -> bool:
    return any(
        (isinstance(e, OSError) and e.errno in FULL) or any(w in str(e).lower() for w in FULL_WORDS)
        for e in chain(error)
        if not isinstance(e, ProblemError)
    )


def is_out_of_memory(error: BaseException) -> bool:
    return any(
        isinstance(e, MemoryError)
        or type(e).__name__ == "OutOfMemoryError"  # torch's own, named so that this module needs no torch
        or (isinstance(e, (RuntimeError, OSError)) and any(w in str(e).lower() for w in MEMORY_WORDS))
        for e in chain(error)
    )


def chain(error: BaseException | None) -> Iterable[BaseException]:
    """The error and what it was raised from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def disk_full(where: str, detail: str = "") -> Problem:
    return Problem(
        "disk.full",
        f"The disk with {where!r} is full.{' ' + detail if detail else ''}",
        "Free some space and resume the run: it goes on from its last checkpoint.",
    )


def to_problem(error: BaseException, run_dir: str) -> Problem:
    """The Problem of an exception; memory that ran out is `backends.out_of_memory`'s, which knows the plan."""
    for e in chain(error):
        if isinstance(e, ProblemError):
            return e.problem
    if is_disk_full(error):
        return disk_full(run_dir)
    if not Path(run_dir).is_dir():
        fact = (
            f"The run's folder {run_dir!r} is not there any more: it was moved or removed while the run was going on."
        )
        return Problem("run.folder_gone", fact, "Open the run where it lies now and resume it.")
    for e in chain(error):
        if isinstance(e, PermissionError):
            return Problem(
                "file.not_readable",
                f"{str(e.filename)!r} may not be opened: {e.strerror}.",
                "Change its permissions, or choose another place.",
            )
    return Problem(
        "worker.error",
        f"The worker stopped: {type(error).__name__}: {first_line(error)}",
        "worker.log in the run's folder holds the details.",
    )


def first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
