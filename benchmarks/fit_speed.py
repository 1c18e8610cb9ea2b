"""How long `plimsoll fit` takes as a whole process: `python -m benchmarks.fit_speed`. Goal: under a second.

From nothing to the last line, imports included: what a person at a terminal waits for. The best of several, on the wall
and of the process's own computing; beside it a question that nothing answers, which looks at more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL_S = 1.0
TRIES = 5
QUESTIONS = (
    ("a setup fits", ("7B", "--gpu", "12 GB")),
    ("a setup fits", ("llama 3.1 8b", "--gpu", "RTX 4090")),
    ("nothing fits", ("70B", "--gpu", "12 GB")),
)


def seconds(arguments: tuple[str, ...]) -> tuple[float, float]:
    """(wall, own computing) of the best of several processes."""
    walls, owns = [], []
    for _ in range(TRIES):
        before, began = os.times(), time.monotonic()
        subprocess.run([sys.executable, "-m", "app", "fit", *arguments], cwd=ROOT, capture_output=True, check=False)
        after = os.times()
        walls.append(time.monotonic() - began)
        owns.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(walls), min(owns)


def main() -> int:
    missed = False
    for what, arguments in QUESTIONS:
        wall, own = seconds(arguments)
        print(f"{what:14s} {wall:6.2f} s, {own:.2f} s of computing  fit {' '.join(arguments)}  (goal {GOAL_S:g} s)")
        missed |= wall > GOAL_S
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
