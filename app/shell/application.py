"""The QApplication as this program wants it, and what is loaded once its window stands. It opens no window."""

from __future__ import annotations

import locale
import threading

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.icons import app_icon
from app.shell import remembered
from app.theme import theme


def make_application(arguments: list[str]) -> QApplication:
    """The QApplication with theme, names and the C library's numbers as they must be."""
    QApplication.setApplicationName("Plimsoll")
    QApplication.setOrganizationName("Plimsoll")
    QGuiApplication.setDesktopFileName("plimsoll")
    application = QApplication(arguments)
    locale.setlocale(locale.LC_NUMERIC, "C")  # QApplication takes the system's; C parsers need the point
    application.setWindowIcon(app_icon())
    theme().wish = remembered.look()
    theme().follow(application)
    return application


def load_what_figures_need() -> None:
    """Load the plotting library on a thread; a person seldom gets to the Run page before it is there."""
    threading.Thread(target=_load_matplotlib, daemon=True).start()


def _load_matplotlib() -> None:
    from app.widgets.live_plot import load_matplotlib

    load_matplotlib()
