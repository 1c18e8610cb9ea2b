"""Finds widgets as a person with a screen reader does: by accessible name, among what is visible."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

W = TypeVar("W", bound=QWidget)


def find(root: QWidget, kind: type[W], name: str) -> W:
    """The one visible widget of this kind and name below `root`."""
    found = [w for w in root.findChildren(kind) if w.accessibleName() == name and w.isVisible()]
    assert len(found) == 1, f"{len(found)} visible {kind.__name__} called {name!r}"
    return found[0]


def box_button(name: str) -> QWidget | None:
    """A button of whatever question is open now."""
    for top in QApplication.topLevelWidgets():
        if top.isVisible() and top.inherits("QMessageBox"):
            for button in top.findChildren(QWidget):
                if button.accessibleName() == name:
                    return button
    return None


def press_when_open(qtbot: QtBot, name: str) -> None:
    """Press a button of the question that is about to open."""

    def press() -> None:
        button = box_button(name)
        if button is None:
            QTimer.singleShot(20, press)
        else:
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(20, press)
