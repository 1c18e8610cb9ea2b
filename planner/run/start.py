"""Starts a worker that outlives its starter: own session, no pipes, its output in a file.

Whoever starts a worker learns that it lives, and its pid; everything else comes from the run's folder. The starter
never imports torch; it only looks whether the extra is installed. It writes no value of the environment anywhere.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import planner
from planner.problem import Problem, ProblemError, fail
from planner.run import awake, layout, lock
from planner.run.detached import launch
from planner.run.environment import LEAN, of_job
from planner.run.small_file import mapping_of
from planner.slots import Slot
from planner.strict_json import LARGEST_FILE_BYTES

TRAIN_LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate", "datasets", "safetensors")
LONGEST_START_S = 60.0
GAVE_WAY = 2  # a worker's exit code when the run could not be taken up
KEPT_AWAKE = ("train", "prove")


def missing_train_extra() -> Problem | None:
    """`worker.no_train_extra` when a library that training needs is not installed, None when all are."""
    missing = [name for name in TRAIN_LIBRARIES if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return Problem(
        "worker.no_train_extra",
        f"Planning works, but training needs libraries that are not installed: {', '.join(missing)}.",
        f'Run: "{sys.executable}" -m pip install "plimsoll-planner[train]"',
    )


def missing_library(spec: dict[str, Any]) -> Problem | None:
    """`worker.no_library` when a technique of the plan needs a library that is not installed; spec: as it was stored."""
    versions = spec.get("versions")
    for name, tested in versions.items() if isinstance(versions, dict) else ():
        if name.isidentifier() and importlib.util.find_spec(name) is None:
            return Problem(
                "worker.no_library",
                f"A choice of this plan needs {name}, which is not installed.",
                f'It comes with the [train] extra where it is to be had. Run: "{sys.executable}" -m pip install '
                f'"{name}=={tested}", or choose otherwise.',
            )
    return None


def start(run_dir: Path) -> int:
    """Start the worker on `run_dir` (which holds spec.json) and return its pid once it holds the run's lock.

    Takes about 0.2 s. A run with a checkpoint goes on from it. Raises ProblemError: `worker.no_train_extra`,
    `worker.no_library`, `run.no_spec`, `run.already_running`, `worker.did_not_start`.
    """
    if problem := missing_train_extra():
        raise ProblemError(problem)
    run_dir = run_dir.absolute()
    if not (run_dir / layout.SPEC).is_file():
        raise fail("run.no_spec", f"There is no {layout.SPEC} in {str(run_dir)!r}.", "Choose a run's folder.")
    if problem := missing_library(_stored(run_dir)):
        raise ProblemError(problem)
    if lock.is_held(run_dir):
        raise fail("run.already_running", f"A worker is already at work on {str(run_dir)!r}.", "Open that run.")
    for name in (layout.EXIT, layout.TOLD):  # of an end that is no longer the run's
        with contextlib.suppress(OSError):
            (run_dir / name).unlink()
    journal_before = _size(layout.events(run_dir))
    kills = oom_kills()
    process = _launch(run_dir)
    threading.Thread(target=_see_it_end, args=(process, run_dir, kills), name="worker-end", daemon=True).start()
    deadline = time.monotonic() + LONGEST_START_S
    while not _holds(process, run_dir):
        # a worker that failed at once has ended in order if it left a word in the journal
        if process.poll() is not None or time.monotonic() > deadline:
            if process.returncode == GAVE_WAY and lock.is_held(run_dir):
                raise fail(
                    "run.already_running",
                    f"Another window or command was first: a worker is already at work on {str(run_dir)!r}.",
                    "Open that run.",
                )
            if _size(layout.events(run_dir)) > journal_before:
                break
            raise fail(
                "worker.did_not_start",
                f"The worker did not take the run up (exit code {process.returncode}).",
                f"{str(run_dir / layout.LOG)!r} holds what it printed.",
            )
        time.sleep(0.01)
    _no_longer_queued(run_dir)  # not before: a keeper would take it for one that was left to itself and has ended
    pid = lock.holder_pid(run_dir) or process.pid  # a virtual environment's launcher has a child on Windows
    if _stored(run_dir).get("job") in KEPT_AWAKE:
        awake.while_it_runs(run_dir, pid)
    return pid


def _holds(process: subprocess.Popen[bytes], run_dir: Path) -> bool:
    """Whether the lock is held, and by the worker that was started just now and not by one that came before it."""
    return lock.is_held(run_dir) and (sys.platform == "win32" or lock.holder_pid(run_dir) == process.pid)


def _no_longer_queued(run_dir: Path) -> None:
    """A run that waited and is started, by whom ever, waits no more."""
    if (run_dir / layout.QUEUED).exists():
        from planner.run import queue  # it knows estimates, which most starts need not load

        try:
            queue.taken(run_dir)
        except ProblemError:  # the run goes on all the same; it must not be started a second time
            with contextlib.suppress(OSError):
                (run_dir / layout.QUEUED).unlink()


def _launch(run_dir: Path) -> subprocess.Popen[bytes]:
    try:
        with (run_dir / layout.LOG).open("ab") as log:
            return launch("backends.worker", str(run_dir), cwd=run_dir, env=environment(run_dir), log=log)
    except OSError as error:
        raise fail(
            "worker.did_not_start",
            f"The worker could not be started in {str(run_dir)!r}: {error.strerror or error}.",
            "Check that the folder can be written and that memory is free.",
        ) from None


def environment(run_dir: Path) -> dict[str, str]:
    """The worker's environment: this one, quiet and (but for a download) offline, with our packages found also from a checkout."""
    env = {
        **os.environ,
        **LEAN,
        **of_job(_stored(run_dir).get("job")),
        "HF_DATASETS_CACHE": str(run_dir / "cache"),
        **_visible(run_dir),
    }
    from planner.run.home import home_found  # it needs a library, which what is missing can be said without

    return env | packages_found() | home_found()


def packages_found() -> dict[str, str]:
    """What a new interpreter needs to find our packages also from a checkout; empty where they are installed."""
    root = Path(planner.__file__).absolute().parent.parent
    if root.name not in (
        "site-packages",
        "dist-packages",
    ):  # there already; put first it could hide the standard library
        return {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])}
    return {}


def _stored(run_dir: Path) -> dict[str, Any]:
    """spec.json as it lies there; empty where it cannot be read, which the worker will say in its own words."""
    return mapping_of(run_dir / layout.SPEC, LARGEST_FILE_BYTES)


def _visible(run_dir: Path) -> dict[str, str]:
    """Show the worker only the device its plan names: a CUDA context on another costs memory there."""
    try:
        device = _stored(run_dir)["plan"]["stages"][0]["choices"][Slot.PLACEMENT.value]["options"]["device"]
    except (KeyError, IndexError, TypeError):
        device = "cpu"  # a job without a plan, or a spec the worker will refuse with its own words
    if device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": ""}
    kind, _, index = str(device).partition(":")
    # NVML counts by bus address; torch counts so only when it is told to
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": index} if kind == "cuda" and index else {}


def oom_kills() -> int:
    """How many processes the kernel has ended for memory since it was started; 0 where it does not say (Linux only)."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path("/proc/vmstat").read_text(encoding="ascii")
        return int(text.split("\noom_kill ", 1)[1].split(None, 1)[0])
    return 0


def _see_it_end(process: subprocess.Popen[bytes], run_dir: Path, kills: int = 0) -> None:
    """Wait for the worker, so that it leaves no zombie, and write down how it ended for whoever asks later."""
    code = process.wait()
    if lock.is_held(run_dir):
        return  # of two started at once this one gave way: its end is not the run's
    with contextlib.suppress(OSError):
        ended = {"pid": process.pid, "returncode": code, "oom_kills": max(0, oom_kills() - kills)}
        (run_dir / layout.EXIT).write_text(json.dumps(ended), encoding="utf-8")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
