"""Keeps the computer from sleeping while a run goes on, and only so long; it belongs to the run, not to a window.

On Linux and on a Mac a small program of the system's own holds the wish and waits for the run's end by itself: it is
started with the worker, in a session of its own, so it outlives whoever started the run. On Windows the wish belongs to a
thread, so the worker makes it. Where there is no such program, or it is refused, the run goes on all the same.

Neither a Mac, Windows nor a computer with systemd's daemon was at hand: the commands are tested with recordings in their
place, and systemd-inhibit was seen only refusing for want of the daemon.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from planner.run import layout

WHY = "A training run is going on"
ES_CONTINUOUS, ES_SYSTEM_REQUIRED = 0x80000000, 0x00000001  # winbase.h


def command(run_dir: Path, pid: int, platform: str = sys.platform) -> list[str]:
    """What keeps this system awake until the worker of this run is gone; empty where nothing here can."""
    if platform == "darwin" and (caffeinate := shutil.which("caffeinate")):
        return [caffeinate, "-i", "-m", "-s", "-w", str(pid)]
    inhibit = shutil.which("systemd-inhibit") if platform.startswith("linux") else None
    wait = _waits_for_end(run_dir, pid)
    if inhibit is None or not wait:
        return []
    return [inhibit, "--what=sleep:idle", "--who=Plimsoll", f"--why={WHY}", "--mode=block", *wait]


def _waits_for_end(run_dir: Path, pid: int) -> list[str]:
    """A command that ends with the worker. The run's lock knows its end to the instant and cannot be another's; where
    no program can wait for it, the worker's number has to do."""
    if flock := shutil.which("flock"):
        return [flock, "--shared", str(run_dir / layout.ALIVE), "true"]
    if tail := shutil.which("tail"):
        return [tail, f"--pid={pid}", "--follow", "/dev/null"]
    return []


def while_it_runs(run_dir: Path, pid: int) -> None:
    """Start that command beside a worker that holds its lock. Raises nothing."""
    wanted = command(run_dir, pid)
    if not wanted:
        return
    with contextlib.suppress(OSError):
        process = subprocess.Popen(  # noqa: S603 - the system's own program, by its full path
            wanted,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=process.wait, name="awake", daemon=True).start()  # it leaves no zombie


def in_this_process() -> None:
    """Windows: as long as the calling thread lives. Elsewhere nothing."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetThreadExecutionState(ES_CONTINUOUS | ES_SYSTEM_REQUIRED)
