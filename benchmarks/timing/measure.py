"""Runs a cell through the command line as a person would, and keeps how long each of its steps took.

Beside the clock it reads the worker's processor time: with one thread a step alone on its core takes as much of both,
so on a shared computer the processor's is the truer one. Each cell is one JSON file; a finished one is not run again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.provenance import ROOT, commit
from benchmarks.timing.cells import CELLS, EXAMPLE, LONG, Cell, long_rows, model_at
from planner.plan_file import load_spec, spec_to_json
from planner.run import layout, lock
from planner.run.home import HOME_VARIABLE
from planner.run.journal import read_all, steps

RESULTS = ROOT / "benchmarks" / "results" / "timing"
PRESET = "first-run"
LOOK_EVERY_S = 0.02
UNCOUNTED = 2  # the first steps


def file_of(number: int) -> Path:
    return RESULTS / f"{number:02}.json"


def measure(name: str, *, again: bool = False) -> dict[str, Any] | None:
    """Run one cell; None where it is there already. again: run it once more and keep both."""
    number = list(CELLS).index(name)
    file = file_of(number)
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    if kept is not None and not again:
        return None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = _run(name, CELLS[name], Path(folder))
    if kept is not None:
        found["times"] = [*kept["times"], *found["times"]]
    RESULTS.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _run(name: str, cell: Cell, folder: Path) -> dict[str, Any]:
    run_dir = folder / "run"
    changes = [f"schedule.max_steps={cell.steps}", "schedule.threads=1", *cell.changes]
    if cell.model != EXAMPLE:
        changes.insert(0, f"model={model_at(folder, cell.model)}")
    if cell.rows == LONG:
        changes.insert(0, f"data={long_rows(folder)}")
    command = [sys.executable, "-m", "app", "run", "--preset", PRESET, "--anyway", "--out", str(run_dir)]
    for change in changes:
        command += ["--set", change]
    env = {**os.environ, HOME_VARIABLE: os.environ.get(HOME_VARIABLE, ""), "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    readings: list[tuple[float, float]] = []
    over = threading.Event()
    reader = threading.Thread(target=_read_processor_time, args=(run_dir, readings, over), daemon=True)
    reader.start()
    done = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    over.set()
    reader.join()
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stdout[-800:]}{done.stderr[-800:]}")
    taken = steps(read_all(run_dir, over=True).events)
    before = [0, *(s.tokens for s in taken)]
    seconds = [(s.tokens - b) / s.tokens_per_s for b, s in zip(before, taken, strict=False)]
    processor = [_between(readings, s.time - wall, s.time) for s, wall in zip(taken, seconds, strict=True)]
    return {
        "name": name,
        "commit": commit(),
        "seconds": round(time.monotonic() - began, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "times": [
            {"clock_s": [round(s, 4) for s in seconds], "processor_s": [round(s, 4) for s in processor]},
        ],
        "spec": _without_folders(spec_to_json(load_spec(run_dir / layout.SPEC)), folder),
    }


def _without_folders(spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The spec without what was predicted, without names of this computer, its folders and what else ran on it."""
    spec["predicted"] = {}
    machine = spec["plan"]["machine"]
    machine.update(name="a computer", ram_others=[], notes=[], corrections=[])
    for device in machine["devices"]:
        device["others"] = []
    text = json.dumps(spec).replace(str(folder), "FOLDER").replace(os.environ.get(HOME_VARIABLE) or "\0", "HOME")
    found: dict[str, Any] = json.loads(text.replace(str(ROOT), "CHECKOUT"))
    return found


def _read_processor_time(run_dir: Path, readings: list[tuple[float, float]], over: threading.Event) -> None:
    """(clock, processor seconds) of the worker, fifty times a second; nothing where the system does not tell."""
    ticks = os.sysconf("SC_CLK_TCK")
    while not over.wait(LOOK_EVERY_S):
        pid = lock.holder_pid(run_dir) if run_dir.is_dir() else None
        if not pid:
            continue
        try:
            parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        readings.append((time.time(), (int(parts[11]) + int(parts[12])) / ticks))


def _between(readings: list[tuple[float, float]], start: float, end: float) -> float:
    """Processor seconds between two instants, linear between readings; 0 where there are none."""
    if len(readings) < 2:
        return 0.0
    return _at(readings, end) - _at(readings, start)


def _at(readings: list[tuple[float, float]], when: float) -> float:
    last = readings[0]
    for one in readings:
        if one[0] >= when:
            share = (when - last[0]) / max(one[0] - last[0], 1e-9)
            return last[1] + (one[1] - last[1]) * min(max(share, 0.0), 1.0)
        last = one
    return last[1]
