"""New folders for runs and for shorter jobs: one way to name them, so that runs of window and command line sort as one.

It writes nothing into them. A job's folder lies apart from the runs: nobody looks there for something to reopen.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from pathlib import Path

from planner.problem import ProblemError, fail
from planner.run import lock
from planner.run.home import home, runs_dir

LONGEST_NAME = 40
LEFT_OVER_AFTER_S = 24 * 3600.0


def new_run_dir(name: str) -> Path:
    """A folder for a new run: when, and what. It is made here, so that no two runs share one.

    Raises ProblemError `run.no_folder`.
    """
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.").lower()[:LONGEST_NAME].rstrip("-.") or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for n in range(1, 100):
        folder = runs_dir() / (f"{stamp}-{plain}" if n == 1 else f"{stamp}-{plain}-{n}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _refused(folder, error) from None
        return folder
    raise AssertionError("a hundred runs in one second")


def work_dir() -> Path:
    """Folders of jobs that leave a result and no run lie in here."""
    return home() / "work"


def new_work_dir(job: str) -> Path:
    """A folder for one such job. Raises ProblemError `run.no_folder`."""
    try:
        work_dir().mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{job}-", dir=work_dir()))
    except OSError as error:
        raise _refused(work_dir(), error) from None


def sweep_work() -> None:
    """Remove what jobs of a day ago left behind because their window was ended; a job under way is left alone."""
    try:
        found = list(work_dir().iterdir())
    except OSError:
        return
    for folder in found:
        try:
            old = time.time() - folder.stat().st_mtime > LEFT_OVER_AFTER_S
        except OSError:
            continue
        if old and not lock.is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _refused(folder: Path, error: OSError) -> ProblemError:
    return fail(
        "run.no_folder",
        f"The folder {str(folder)!r} cannot be made: {error.strerror or error}.",
        "Set PLIMSOLL_HOME to a folder that can be written.",
    )
