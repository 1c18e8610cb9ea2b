"""Ten thousand steps of a two-layer model by the real worker with the window attached: the memory of both stays flat.

Both are sampled every second as anonymous memory (Linux: RssAnon), the window's by its process, the worker's by its own.
What is asked of each is how it grows over the second half, as a line through the samples: by the least squares, in bytes
per thousand steps. In the first half curves fill up to what they keep (600 points of loss, 900 of memory) and the figures
are drawn anew for each new length of their axes. Goal: below 0.125 MiB per 1,000 steps in each. Writes `results/long_run.json`.
Run: python -m benchmarks.long_run [STEPS]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.provenance import ROOT, commit

STEPS = 10_000
GOAL_BYTES = 128 * 1024  # per 1,000 steps
EVERY_MS = 1000
PREPARE, RUN_NAME = "--prepare", "20260101-000000-long"
RESULT = ROOT / "benchmarks" / "results" / "long_run.json"


@dataclass(frozen=True)
class Reading:
    step: int
    app_bytes: int
    worker_bytes: int


def anonymous_bytes(pid: int) -> int:
    """0 when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("RssAnon:")), 0)


def prepare(steps: int, home: Path) -> None:
    """Model, rows and spec, in a process of its own: it loads torch, which a window never does."""
    from tests.small_run import small_plan, write_run
    from tests.tiny_model import make_rows, make_tiny_model

    model, rows = make_tiny_model(home / "tiny"), make_rows(home / "rows.jsonl", 200)
    write_run(home / "runs" / RUN_NAME, small_plan(model, rows, max_steps=steps, save_steps=1000))


def watched(steps: int, home: Path) -> list[Reading]:
    """The whole run, seen by a window that stands on its Run page and draws."""
    os.environ["PLIMSOLL_HOME"] = str(home)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QTimer

    from app.collecting import Collecting, keep_what_stays
    from app.shell.application import make_application
    from app.shell.pages import RUN
    from app.shell.window import MainWindow
    from planner.run import lock
    from planner.run.home import runs_dir
    from planner.run.lock import State
    from planner.run.start import start

    prepare = [sys.executable, "-m", "benchmarks.long_run", str(steps), PREPARE, str(home)]
    subprocess.run(prepare, check=True, capture_output=True)
    run_dir = runs_dir() / RUN_NAME
    application = make_application([sys.argv[0]])
    Collecting(application)
    window = MainWindow()
    window.resize(1400, 880)
    window.show()
    window.filled.connect(lambda: QTimer.singleShot(1000, keep_what_stays))
    window.filled.connect(lambda: window.show_page(RUN))
    start(run_dir)
    window.runner.attach(run_dir)
    found: list[Reading] = []

    def sample() -> None:
        record = window.runner.record
        pid = lock.holder_pid(run_dir) if record.live else 0
        if pid and record.step:
            found.append(Reading(record.step, anonymous_bytes(os.getpid()), anonymous_bytes(pid)))
        if record.state in (State.FINISHED, State.FAILED, State.LOST):
            application.quit()

    timer = QTimer(interval=EVERY_MS)
    timer.timeout.connect(sample)
    timer.start()
    application.exec()
    if window.runner.record.state is not State.FINISHED:
        raise SystemExit(f"the run ended as {window.runner.record.state}: {window.runner.record.problem}")
    window._closing_decided = True
    window.close()
    application.processEvents()
    return [r for r in found if r.worker_bytes]


def growth(readings: list[Reading], steps: int) -> dict[str, float]:
    """Bytes per 1,000 steps, of the samples after the first half."""
    settled = [r for r in readings if r.step >= steps / 2]
    at = [r.step / 1000 for r in settled]
    return {
        "app": statistics.linear_regression(at, [r.app_bytes for r in settled]).slope,
        "worker": statistics.linear_regression(at, [r.worker_bytes for r in settled]).slope,
    }


def main() -> int:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    if PREPARE in sys.argv:
        prepare(steps, Path(sys.argv[-1]))
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        readings = watched(steps, Path(home))
    slopes = growth(readings, steps)
    few = readings[:: max(1, len(readings) // 60)]
    result = {
        "commit": commit(),
        "steps": steps,
        "seconds": round(time.monotonic() - began),
        "samples": len(readings),
        "bytes_per_1000_steps": {name: round(n) for name, n in slopes.items()},
        "highest_bytes": {
            "app": max(r.app_bytes for r in readings),
            "worker": max(r.worker_bytes for r in readings),
        },
        "readings": [asdict(r) for r in few],
    }
    met = all(n < GOAL_BYTES for n in slopes.values())
    for name, n in slopes.items():
        print(f"{name:7} {n / 1024:8.1f} KiB per 1,000 steps, highest {result['highest_bytes'][name] / 2**20:.0f} MiB")  # type: ignore[index]
    print(f"goal: below {GOAL_BYTES // 1024} KiB per 1,000 steps: {'met' if met else 'MISSED'}")
    if steps >= STEPS:
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
