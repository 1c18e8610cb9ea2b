"""The few questions that are asked in a box, because something would end: closing, leaving changes, stopping a run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from app.document import Document
from app.runner import Runner
from planner import PRODUCT
from planner.estimate import device_of
from planner.facts.machine import Device, MachineFacts
from planner.plan import Plan
from planner.problem import ProblemError

ROLE = QMessageBox.ButtonRole


def _box(parent: QWidget, text: str, more: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setWindowModality(Qt.WindowModality.WindowModal)
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(text)
    box.setInformativeText(more)
    box.setAccessibleName(text)
    return box


def _button(box: QMessageBox, text: str, role: QMessageBox.ButtonRole) -> QPushButton:
    button = box.addButton(text, role)
    button.setAccessibleName(text.replace("&", ""))
    return button


def leave_run(parent: QWidget, runner: Runner) -> bool:
    """Closing while a run goes on. Leaving it running is the default; False when the person stays."""
    box = _box(
        parent,
        "A run is going on.",
        "It does not need this window: it goes on by itself, and the window finds it again when it is opened.",
    )
    leave = _button(box, "&Leave it running", ROLE.AcceptRole)
    stop = _button(box, "&Stop and save", ROLE.DestructiveRole)
    cancel = _button(box, "&Cancel", ROLE.RejectRole)
    box.setDefaultButton(leave)
    box.setEscapeButton(cancel)
    box.exec()
    if box.clickedButton() is stop:
        runner.send_now("stop")
    return box.clickedButton() in (leave, stop)


def stop(parent: QWidget, go: Callable[[], None]) -> None:
    """Stopping ends the run at the end of its step and saves what it has learned."""
    more = "It ends after the step it is in, and what it has learned is saved. Resume goes on from there later."
    box = _box(parent, "Stop this run?", more)
    yes = _button(box, "&Stop and save", ROLE.DestructiveRole)
    no = _button(box, "&Go on", ROLE.RejectRole)
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    box.finished.connect(lambda _code: go() if box.clickedButton() is yes else None)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def may_leave(parent: QWidget, document: Document, *, keep_scratch: bool = False) -> bool:
    """Whether the open plan may be left. keep_scratch: an unsaved plan without a file is kept for the next time anyway."""
    if not document.modified or (keep_scratch and document.path is None):
        if document.modified:
            document.keep_now()
        return True
    name = document.path.name if document.path else "this plan"
    box = _box(parent, f"Save the changes to {name}?", "Without saving they are lost.")
    save = _button(box, "&Save", ROLE.AcceptRole)
    discard = _button(box, "&Discard", ROLE.DestructiveRole)
    cancel = _button(box, "&Cancel", ROLE.RejectRole)
    box.setDefaultButton(save)
    box.setEscapeButton(cancel)
    box.exec()
    if box.clickedButton() is discard:
        document.drop_recovery_copy()
        return True
    if box.clickedButton() is not save:
        return False
    if document.path is None:
        document.keep_now()
        return True
    try:
        document.save(document.path)
    except ProblemError as error:
        document.problem.emit(error.problem)
        return False
    return True


def about(parent: QWidget) -> None:
    box = QMessageBox(parent)
    box.setWindowTitle("About Plimsoll")
    box.setText(f"Plimsoll {version()}")
    box.setInformativeText(
        "Draws the load line of your computer: what a language-model run needs, byte by byte, before, while and after "
        "it runs.\n\nNothing leaves this computer unless you ask for it. Apache License 2.0."
    )
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def version() -> str:
    try:
        return metadata.version(PRODUCT)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def device_here(plan: Plan, here: MachineFacts) -> Device | None:
    """The device of this computer that the plan computes on, with today's figures."""
    device = device_of(plan)
    return here.device(device.id) if device else None
