"""Starts the probes side by side, each in its own process with two seconds to answer, and gathers what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

LIMIT_S = 2.0
_LEFT_BEHIND: list[subprocess.Popen[Any]] = []  # stuck in a driver: not even the kernel can end these at once


def run_all(probes: dict[str, tuple[str, ...]], *, limit_s: float = LIMIT_S) -> dict[str, dict[str, Any] | str]:
    """{probe: arguments} to {probe: what it said, or a sentence why it said nothing}; takes at most about `limit_s`."""
    with ThreadPoolExecutor(max_workers=len(probes)) as pool:
        told = {name: pool.submit(ask, probe_command(name, *given), limit_s) for name, given in probes.items()}
        return {name: answer.result() for name, answer in told.items()}


def probe_command(name: str, *arguments: str) -> list[str]:
    """The command line of one probe."""
    return [sys.executable, "-P", "-m", "planner.probe", name, *arguments]


def ask(command: list[str], limit_s: float) -> dict[str, Any] | str:
    """The JSON object a command prints within `limit_s`, or why there is none."""
    try:
        child = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
    except OSError as error:
        return f"it could not be started ({error.strerror})"
    try:
        out, _ = child.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        end(child)
        return f"it did not answer within {limit_s:g} s"
    if child.returncode:
        ended = f"signal {-child.returncode}" if child.returncode < 0 else f"exit code {child.returncode}"
        return f"it ended with {ended}"
    try:
        said = json.loads(out)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else "it said nothing that can be read"


def environment() -> dict[str, str]:
    """This one, with our packages found from a checkout too: `-P` hides the working directory."""
    root = Path(__file__).resolve().parents[2]
    if root.name in ("site-packages", "dist-packages"):
        return dict(os.environ)  # found already; put first it could hide the standard library
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])}


def end(child: subprocess.Popen[Any], *, read_elsewhere: bool = False) -> None:
    """Kill it, and wait only a moment: a process stuck in a driver ends when the driver lets it go. read_elsewhere: a
    thread reads what it prints, and closes that itself: closing it here would wait for that thread."""
    child.kill()
    if child.stdout and not read_elsewhere:
        child.stdout.close()
    try:
        child.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        _LEFT_BEHIND.append(child)
