"""From the start of a fresh process to the window's first paint, and to a window filled with plan and figures.

Warm: the first of the runs fills the disk cache and is left out. Goal: first paint below one second.
Run: python -m benchmarks.window_start [RUNS]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

GOAL_S = 1.0
CHILD = """
import sys, time
from PySide6.QtCore import QEvent, QObject, QTimer
from app.shell.application import make_application
from app.shell.window import MainWindow
application = make_application([sys.argv[0]])
main = MainWindow()
seen = {}
class FirstPaint(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and "paint" not in seen:
            QTimer.singleShot(0, lambda: seen.setdefault("paint", time.monotonic()))
        return False
watcher = FirstPaint()
main.installEventFilter(watcher)
def filled():
    seen["filled"] = time.monotonic()
    QTimer.singleShot(50, application.quit)
main.filled.connect(filled)
main.show()
application.exec()
import json
print(json.dumps(seen | {"matplotlib": "matplotlib" in sys.modules, "torch": "torch" in sys.modules}))
"""


def one() -> dict[str, float]:
    """One fresh process: seconds to the first paint and to the filled window."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "PLIMSOLL_HOME": home}
        env.setdefault("QT_QPA_PLATFORM", "offscreen")
        began = time.monotonic()  # the same clock in every process of this machine
        done = subprocess.run([sys.executable, "-c", CHILD], env=env, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    assert not seen["torch"], "the window must not load torch"
    return {"paint": seen["paint"] - began, "filled": seen["filled"] - began}


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    one()
    found = [one() for _n in range(runs)]
    for name in ("paint", "filled"):
        values = sorted(f[name] for f in found)
        print(f"{name:7} median {statistics.median(values):.2f} s, {values[0]:.2f} to {values[-1]:.2f} s over {runs}")
    median = statistics.median(f["paint"] for f in found)
    print(f"goal: first paint below {GOAL_S} s: {'met' if median < GOAL_S else 'MISSED'}")
    return 0 if median < GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
