"""The operating system's lock on a file: it goes with the process that holds it, however that ends.

Nothing here knows what a file is for. On Windows a locked byte lies beyond any text, since locks there also stop readers.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOOK_EVERY_S = 0.01
LONGEST_WAIT_S = 10.0


def try_lock(file: int, *, shared: bool = False) -> bool:
    """shared: only to see whether another holds it; two who look at once are then in nobody's way (not on Windows)."""
    try:
        if sys.platform == "win32":
            os.lseek(file, 1 << 30, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of this file now. One that cannot be opened or locked counts as not held."""
    try:
        file = os.open(path, os.O_RDONLY)  # another person's may be looked at, not written
    except OSError:
        return False
    try:
        return not try_lock(file, shared=True)
    except OSError:
        return False
    finally:
        os.close(file)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Around a reading and a writing that nobody else may come between. Raises OSError, and TimeoutError after ten seconds.

    The file stays when it is let go: removed, two could hold one each.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + LONGEST_WAIT_S
        while not try_lock(file):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{str(path)!r} is held by another program")
            time.sleep(LOOK_EVERY_S)
        yield
    finally:
        os.close(file)
