"""A run that ran out of memory, and one press: the smallest change is worked out off the GUI thread, offered on the Run
page, and made in the run's own folder, from which it goes on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app import background
from app.pages.run.page import RunPage
from app.runner import Runner
from planner.problem import Problem
from planner.run.retry import Retry, apply_retry, retry_of


class Retrying(QObject):
    """`look` when a run has ended badly; `acted` says what was changed."""

    problem = Signal(object)
    acted = Signal(str)

    def __init__(self, runner: Runner, page: RunPage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner, self._page = runner, page
        self._found: tuple[Path, Retry] | None = None
        self._looking: background.Task | None = None
        runner.attached.connect(lambda _folder: self.forget())
        runner.started.connect(self.forget)
        page.retry_wanted.connect(self.retry)

    def look(self) -> None:
        """Whether a change would help the run that is shown."""
        run_dir = self._runner.run_dir
        if run_dir is None:
            return
        self.forget()
        self._looking = background.run(lambda: retry_of(run_dir), lambda found: self._show(run_dir, found))

    def _show(self, run_dir: Path, found: Retry | Problem) -> None:
        if isinstance(found, Retry):
            self._found = run_dir, found
            self._page.offer_retry(found.title, " ".join(filter(None, (found.detail, found.loses))))
        elif found.code != "retry.not_memory":
            self._page.offer_retry("", f"{found.fact} {found.advice}")

    def retry(self) -> None:
        """Make the change and go on."""
        if self._found is None or self._found[0] != self._runner.run_dir:
            return
        run_dir, found = self._found
        self.forget()

        def changed(_done: object) -> None:
            self.acted.emit(f"The run goes on with this change: {found.title}")
            if self._runner.run_dir == run_dir:
                self._runner.resume()

        def refused(problem: Problem) -> None:
            self.problem.emit(problem)
            if self._runner.run_dir == run_dir:
                self.look()  # it may be another change by now, or the same one once the folder can be written

        background.run(lambda: apply_retry(run_dir, found), changed, refused)

    def forget(self) -> None:
        self._found = None
        if self._looking:
            self._looking.cancel()
            self._looking = None
