"""The program with a window: from the first object of Qt to its end."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app import faults
from app.collecting import Collecting, keep_what_stays
from app.shell.application import make_application
from app.shell.window import MainWindow

SETTLED_MS = 1_000  # after the window is filled


class _Faults(QObject):
    """Carries a fault from any thread to the window's."""

    seen = Signal(object)


def main(argv: list[str] | None = None) -> int:
    """Open the window and stay until it is closed."""
    arguments = sys.argv if argv is None else [sys.argv[0], *argv]
    application = make_application(arguments)
    Collecting(application)
    faults.open_log()
    seen = _Faults()
    window = MainWindow(next((Path(a) for a in arguments[1:] if a.endswith(".json")), None))
    window.filled.connect(lambda: QTimer.singleShot(SETTLED_MS, keep_what_stays))
    seen.seen.connect(window.problems.show_problem)
    faults.catch_all(seen.seen.emit)
    window.show()
    return application.exec()
