"""What a person does with plan files and scripts: new, open, save, export, drop. Each leads to the document or a problem.

Files are read and written off the GUI thread; what cannot be done is a `Problem` above the page.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app import background, recent, recovery
from app.document import Document
from app.shell import asking
from app.shell.opening import read_plan
from app.this_computer import fresh
from planner.export.folder import export
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.presets import load_preset
from planner.problem import Problem
from planner.run.build import run_spec
from planner.run.home import home

KIND = "Plans (*.json)"


class Files(QObject):
    """`acted` tells the status bar, `opened` that another plan is shown."""

    acted = Signal(str)
    opened = Signal()
    conflict = Signal(object)  # a problem that `save_over` would write over
    problem = Signal(object)

    def __init__(self, document: Document, window: QWidget) -> None:
        super().__init__(window)
        self._document, self._window = document, window
        self.here: MachineFacts | None = None
        self.start_plan: Plan | None = None  # what a new plan is

    def new(self) -> None:
        if self.start_plan is not None and asking.may_leave(self._window, self._document):
            self._show(self.start_plan, None)

    def ask_open(self) -> None:
        name, _kind = QFileDialog.getOpenFileName(self._window, "Open a plan", str(home() / "plans"), KIND)
        if name:
            self.open(Path(name))

    def open(self, path: Path) -> None:
        if not asking.may_leave(self._window, self._document):
            return

        def show(plan: Plan) -> None:
            self._show(plan, path)
            recent.remember(path)
            self.acted.emit(f"Opened {path.name}")

        background.run(lambda: read_plan(path), show, self.problem.emit)

    def open_left(self, copy: Path) -> None:
        """An unsaved plan of a window that is gone; it stays unsaved, and its copy becomes this window's."""
        if not asking.may_leave(self._window, self._document):
            return

        def show(left: recovery.Left) -> None:
            self._show(left.plan, left.path, left)
            self.acted.emit("The unsaved plan is as it was left")

        background.run(lambda: recovery.read(copy), show, self.problem.emit)

    def open_preset(self, name: str) -> None:
        """A plan for a situation: what one has, and what one wants to train with it."""
        here = self.here
        if here is not None and asking.may_leave(self._window, self._document):
            background.run(lambda: load_preset(name, here), lambda plan: self._show(plan, None), self.problem.emit)

    def _show(self, plan: Plan, path: Path | None, left: recovery.Left | None = None) -> None:
        assert self.start_plan is not None
        self._document.drop_recovery_copy()
        if left is not None:
            self._document.copy.take_over(left)
        found = fresh(plan, self.here) if self.here else plan
        self._document.open_plan(found, self.start_plan.stage, path, unsaved=left is not None)
        self.opened.emit()

    def save(self) -> None:
        if self._document.path is None:
            self.ask_save()
        elif self._document.changed_outside():
            fact = f"{self._document.path.name} was changed by another window or program since it was opened here."
            problem = Problem("plan.file_changed", fact, "Save under another name to keep both, or write over it.")
            self.conflict.emit(problem)
        else:
            self.save_over()

    def save_over(self) -> None:
        """Write the plan's file, whatever is in it."""
        if self._document.path is not None:
            self._document.save_soon(self._document.path)

    def ask_save(self) -> None:
        if self._document.plan is None:
            return
        start = str(home() / "plans" / "plan.json")
        name, _kind = QFileDialog.getSaveFileName(self._window, "Save the plan", start, KIND)
        if name:
            path = Path(name)
            self._document.save_soon(path if path.suffix else path.with_suffix(".json"))

    def ask_export(self) -> None:
        if self._document.plan is None:
            return
        folder = QFileDialog.getExistingDirectory(self._window, "A new or empty folder for the script")
        if folder:
            self.export_to(Path(folder))

    def export_to(self, folder: Path) -> None:
        estimate = self._document.estimate
        assert estimate is not None

        def written(files: tuple[Path, ...]) -> None:
            self.acted.emit(f"Exported {len(files)} files to {folder}; they run with this program not installed")

        background.run(
            lambda: export(estimate.plan, run_spec(estimate.plan, estimate, folder / "run"), folder),
            written,
            self.problem.emit,
        )
