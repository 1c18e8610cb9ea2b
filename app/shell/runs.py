"""The Runs page joined to the window: a run is opened, continued, made the plan again or exported, and its end is told.

The page asks; here it is done with the window's own means, so that a run from the list and one just started are one case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from app import background
from app.pages.run.state import RunRecord
from app.pages.runs import one_run
from app.pages.runs.page import RunsPage
from app.shell.notices import Notices
from app.shell.pages import PLAN, RUN, RUNS
from app.this_computer import fresh
from planner.export.folder import export
from planner.plan import Plan
from planner.plan_file import load_spec
from planner.problem import Problem
from planner.run import layout
from planner.run.library import RunSummary

if TYPE_CHECKING:
    from app.shell.window import MainWindow

ANOTHER = "Another run goes on, and two would share this computer's memory."


class Runs(QObject):
    """`acted` carries a sentence for the status bar, `problem` what went wrong."""

    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.page = RunsPage()
        self.notices = Notices(window)
        page = self.page
        page.wanted.connect(self._do)
        page.deleting.connect(self._let_go)
        page.plan_page_wanted.connect(lambda: window.show_page(PLAN))
        page.acted.connect(self.acted.emit)
        page.problem.connect(self.problem.emit)
        page.shelf.went.connect(self.notices.went)
        self.notices.clicked.connect(lambda: window.show_page(RUNS))
        window.filled.connect(page.begin)
        window.runner.started.connect(page.shelf.look)
        self._acts: dict[str, Callable[[RunSummary], None]] = {
            one_run.OPEN: self.open,
            one_run.CONTINUE: self.go_on,
            one_run.PLAN: lambda run: self.reopen(run),
            one_run.COPY: lambda run: self.reopen(run, copy=True),
            one_run.EXPORT: self.ask_export,
            one_run.FOLDER: lambda run: window.open_folder(run.run_dir),
        }

    def _do(self, action: str, run: RunSummary) -> None:
        self._acts[action](run)

    def open(self, run: RunSummary) -> None:
        """On the Run page, from its first event on; live if it goes on."""
        if self._window.runner.run_dir != run.run_dir:
            self._window.runner.attach(run.run_dir)
        self._window.show_page(RUN)

    def _let_go(self, folders: list[Path]) -> None:
        """The Run page shows no run that is deleted: that its folder has gone is then no news to anybody."""
        runner = self._window.runner
        if runner.run_dir in folders and not runner.running:
            runner.detach()
            runner.record = RunRecord()
            runner.changed.emit(runner.record)

    def go_on(self, run: RunSummary) -> None:
        """A worker takes it up again; the Run page shows it."""
        others = [r for r in self.page.state.runs if r.state.live and r.key != run.key]
        if others or self._window.runner.running:
            self.problem.emit(
                Problem("run.one_at_a_time", ANOTHER, "Stop it or wait for its end, then continue this one.")
            )
            return

        def go() -> None:
            runner = self._window.runner
            if runner.run_dir != run.run_dir:
                runner.attach(run.run_dir)
            runner.resume()

        self._window._unless_proving(go)

    def reopen(self, run: RunSummary, *, copy: bool = False) -> None:
        """Its settings become the open plan, as one step that can be undone. copy: under a name of its own."""

        def take(plan: Plan) -> None:
            here = self._window.here
            found = fresh(plan, here) if here is not None else plan
            self._window.document.change(replace(found, name=f"{plan.name} copy") if copy else found)
            self._window.show_page(PLAN)
            self.acted.emit(f"The plan of {run.name} is open; Ctrl+Z takes it back")

        self._with_plan(run, take)

    def ask_export(self, run: RunSummary) -> None:
        folder = QFileDialog.getExistingDirectory(self._window, "A new or empty folder for the script")
        if folder:
            self.export(run, Path(folder))

    def export(self, run: RunSummary, folder: Path) -> None:
        """The script of the very spec that ran."""

        def work() -> tuple[Path, ...]:
            spec = load_spec(run.run_dir / layout.SPEC)
            return export(spec.plan, replace(spec, run_dir=str(folder / "run")), folder)

        def written(files: tuple[Path, ...]) -> None:
            self.acted.emit(f"Exported {len(files)} files to {folder}; they run with this program not installed")

        background.run(work, written, self.problem.emit)

    def _with_plan(self, run: RunSummary, take: Callable[[Plan], None]) -> None:
        background.run(lambda: load_spec(run.run_dir / layout.SPEC).plan, take, self.problem.emit)

    def leave(self) -> None:
        """The window closes."""
        self.page.leave()
        self.notices.leave()
