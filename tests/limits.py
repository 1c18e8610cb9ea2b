"""Limits of memory that a real, living process meets: of its data (`prlimit`), and of a control group of its own.

They are put on after a worker was started, so a worker that was forked with its libraries loaded can be given one too.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.run import lock
from planner.run.events import Event, Phase, Started
from planner.units import KIB
from tests.small_run import wait_until

GROUPS_V1, GROUPS_V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def data_bytes(pid: int) -> int:
    """What Linux counts against the limit of data."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmData:", 1)[1].split(None, 1)[0]) * KIB


def let_it_grow_by(pid: int, size: int) -> None:
    """From now on the process may have so much more of data than it has, and not a page beyond."""
    if sys.platform != "linux":
        pytest.skip("limits of this kind are Linux's")
    import resource

    most = data_bytes(pid) + size
    resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))


def let_a_worker_grow_by(run_dir: Path, size: int) -> None:
    """The same of a worker that was started just now, as soon as it has its model and before it has a batch."""

    def has_its_model(events: tuple[Event, ...]) -> bool:
        start = max(i for i, e in enumerate(events) if isinstance(e, Started))
        return any(isinstance(e, Phase) and e.phase == "data" for e in events[start:])

    wait_until(run_dir, lambda events: any(isinstance(e, Started) for e in events) and has_its_model(events))
    let_it_grow_by(lock.holder_pid(run_dir), size)


class Group:
    """A control group; what its processes take from now on counts against its limit."""

    def __init__(self, folder: Path, limit_name: str) -> None:
        self.folder, self._limit_name = folder, limit_name

    def limit(self, size: int) -> None:
        (self.folder / self._limit_name).write_text(str(size))

    def take(self, pid: int) -> None:
        (self.folder / "cgroup.procs").write_text(str(pid))


@contextlib.contextmanager
def control_group() -> Iterator[Group]:
    """A new one under the root. Skips where the system does not let us make one."""
    v1 = (GROUPS_V1 / "memory.limit_in_bytes").exists()
    top, name = (GROUPS_V1, "memory.limit_in_bytes") if v1 else (GROUPS_V2, "memory.max")
    folder = top / f"plimsoll-test-{os.getpid()}"
    try:
        folder.mkdir()
        group = Group(folder, name)
        group.limit(1 << 40)
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"this system does not let us make a control group: {error}")
    try:
        yield group
    finally:
        folder.rmdir()
