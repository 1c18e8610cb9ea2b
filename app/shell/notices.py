"""Desktop notices: only while no window of the program has the focus, and only that a run ended, failed or waits for somebody.

They hold no path, no prompt and nothing a run has printed: they appear over other people's presentations. Where the
system has a tray its own notice is used, else notify-send, else none. A switch in the View menu turns them off.
"""

from __future__ import annotations

import shutil
import subprocess

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from app import background
from app.icons import app_icon
from app.pages.runs.words import bytes_or_nothing
from app.shell import remembered
from planner.run.library import RunState, RunSummary

KEY = "notices"
LONGEST_NAME = 60
SHOWN_MS = 10_000
LONGEST_SEND_S = 5.0
TELLING = {
    RunState.DONE: "is done",
    RunState.STOPPED: "has stopped and is saved",
    RunState.FAILED: "has ended by a problem",
    RunState.LOST: "has ended without a last word",
    RunState.PAUSED: "waits for you",
}


def wanted() -> bool:
    """Whether the person wants them; yes, until they are turned off."""
    return bool(remembered.settings().value(KEY, True, type=bool))


def keep_wanted(on: bool) -> None:
    remembered.settings().setValue(KEY, on)


def words(was: RunSummary, now: RunSummary) -> tuple[str, str] | None:
    """(title, text) of what is worth telling; None where it is nothing."""
    what = TELLING.get(now.state)
    never_began = was.state is RunState.QUEUED and now.state is RunState.FAILED
    if what is None or not (was.state.live or never_began):
        return None
    took = f", took {bytes_or_nothing(now.peak_bytes)}" if now.peak_bytes else ""
    steps = f"Step {now.step:,} of {now.total_steps:,}{took}." if now.total_steps else ""
    return f"{harmless(now.name)} {what}", steps


def harmless(name: str) -> str:
    """The run's name, unless it looks like a path."""
    plain = " ".join(name.split())[:LONGEST_NAME]
    return "A run" if not plain or "/" in plain or "\\" in plain else plain


class Notices(QObject):
    """`clicked` when a notice was pressed; `told` carries what was shown, and by which means."""

    clicked = Signal()
    told = Signal(str, str, str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._tray: QSystemTrayIcon | None = None

    def went(self, was: RunSummary, now: RunSummary) -> None:
        """A run's state is another one."""
        found = words(was, now)
        if found is not None and wanted() and QGuiApplication.focusWindow() is None:
            self.tell(*found)

    def tell(self, title: str, text: str) -> None:
        """By the best means there is."""
        if QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages():
            self._tray_icon().showMessage(title, text, app_icon(), SHOWN_MS)
            self.told.emit(title, text, "tray")
            return
        command = shutil.which("notify-send")
        if command is None:
            self.told.emit(title, text, "")
            return

        def send() -> None:
            # a notice is no reason to wait: whoever shows it may hang
            subprocess.run(  # noqa: S603 - a fixed program and texts of ours, no shell
                [command, "--app-name=Plimsoll", "--", title, text],
                timeout=LONGEST_SEND_S,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
            )

        background.run(send, lambda _none: self.told.emit(title, text, "notify-send"), lambda _problem: None)

    def _tray_icon(self) -> QSystemTrayIcon:
        """There while it has something to say; gone when the window is looked at."""
        if self._tray is None:
            self._tray = QSystemTrayIcon(app_icon(), self)
            self._tray.setToolTip("Plimsoll")
            self._tray.messageClicked.connect(self._clicked)
            self._tray.activated.connect(lambda _how: self._clicked())
        self._tray.show()
        return self._tray

    def _clicked(self) -> None:
        self._window.showNormal() if self._window.isMinimized() else self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        self.leave()
        self.clicked.emit()

    def leave(self) -> None:
        """The window is looked at, or closes."""
        if self._tray is not None:
            self._tray.hide()
