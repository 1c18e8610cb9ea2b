"""Starts a module of ours as a process that outlives its starter: own session, no pipes, its output in an open file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO


def launch(module: str, *arguments: str, cwd: Path, env: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """`python -P -m module arguments…`; -P, or a folder of that name in `cwd` would be run instead of ours. Raises OSError."""
    return subprocess.Popen(  # noqa: S603 - our own module by its full name
        [sys.executable, "-P", "-m", module, *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        creationflags=getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
