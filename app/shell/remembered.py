"""What the window remembers from one time to the next: place, size, splitter and look. Never a secret, never a plan."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow, QSplitter

from app.theme import em
from planner.run.home import home

LAYOUT_VERSION = 1  # a layout of another version is forgotten


def settings() -> QSettings:
    """Kept in the person's own folder, where PLIMSOLL_HOME puts the rest too."""
    return QSettings(str(home() / "window.ini"), QSettings.Format.IniFormat)


def restore(window: QMainWindow, splitter: QSplitter) -> None:
    """Put the window where it was, but always onto a screen that is there."""
    available = QGuiApplication.primaryScreen().availableGeometry()
    window.resize(min(em(100), available.width()), min(em(63), available.height()))
    splitter.setSizes([em(29), em(60)])
    kept = settings()
    if kept.value("layout_version", 0, type=int) == LAYOUT_VERSION:
        window.restoreGeometry(kept.value("geometry"))
        splitter.restoreState(kept.value("splitter"))
    screen = QGuiApplication.screenAt(window.geometry().center()) or QGuiApplication.primaryScreen()
    if not screen.availableGeometry().intersects(window.geometry()):
        window.move(screen.availableGeometry().topLeft())


def keep(window: QMainWindow, splitter: QSplitter) -> None:
    kept = settings()
    kept.setValue("layout_version", LAYOUT_VERSION)
    kept.setValue("geometry", window.saveGeometry())
    kept.setValue("splitter", splitter.saveState())


def forget() -> None:
    settings().remove("layout_version")


def look() -> str:
    """The look a person chose: system, light or dark."""
    wish = str(settings().value("look", "system"))
    return wish if wish in ("light", "dark") else "system"


def keep_look(wish: str) -> None:
    settings().setValue("look", wish)


def price() -> float:
    """What a person said that an hour of their machine costs; 0 where nobody said."""
    try:
        found = float(str(settings().value("price_per_hour", 0.0)))
    except ValueError:
        return 0.0
    return found if 0 <= found < float("inf") else 0.0


def keep_price(per_hour: float) -> None:
    settings().setValue("price_per_hour", per_hour)
