"""The run as the whole window tells of it: its page, the status bar, the menus, the problem bar. It starts and stops none."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.pages.run.page import RunPage
from app.pages.run.state import RunRecord
from app.runner import Runner
from app.shell.actions import Menus
from app.shell.retrying import Retrying
from app.shell.status import StatusBar
from app.widgets.problem_bar import ProblemBar
from planner.problem import Problem
from planner.run.lock import State


class Running(QObject):
    """`live` says whether a run goes on whenever that changes; `finished` carries the folder of one that came to its end
    before the window's eyes."""

    live = Signal(bool)
    finished = Signal(object)

    def __init__(
        self, runner: Runner, page: RunPage, status: StatusBar, menus: Menus, problems: ProblemBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._runner, self._page, self._status = runner, page, status
        self._menus, self._problems = menus, problems
        self._was_live = False
        self.retrying = Retrying(runner, page, self)
        self.retrying.acted.connect(status.say)
        self.retrying.problem.connect(problems.show_problem)
        self._ended_by: Problem | None = None
        self._shown_problem = ""  # code of what ended the run that is shown
        runner.attached.connect(page.show_run)
        runner.attached.connect(lambda _folder: setattr(self, "_ended_by", None))
        runner.changed.connect(self._changed)
        runner.started.connect(self._started)
        runner.ended_badly.connect(self._ended_badly)

    def _changed(self, record: RunRecord) -> None:
        self._page.show_record(record)
        self._page.show_journal(self._runner.index)
        ended_by = None if record.live else record.problem
        if ended_by != self._ended_by:
            self._ended_by = ended_by
            if ended_by is not None:
                self.retrying.look()
        self._status.show_record(record)
        was_live, self._was_live = self._was_live, record.live
        self._menus.show_run(live=record.live, paused=record.paused)
        if was_live and not record.live and record.state is not State.NEVER_STARTED:
            self._status.say(f"The run is over: {record.state_words()}")
            if record.state is State.FINISHED:
                self.finished.emit(self._runner.run_dir)
        if was_live != record.live:
            self.live.emit(record.live)

    def _ended_badly(self, problem: Problem) -> None:
        record = self._runner.record
        last = record.checkpoints[-1].step if record.checkpoints else 0
        action = f"Resume from step {last}" if last else "Start it again"
        self._shown_problem = problem.code
        self._problems.show_problem(problem, action, self._runner.resume)

    def _started(self) -> None:
        if self._shown_problem:
            self._problems.drop(self._shown_problem)
        self._status.say("The run has started; it goes on even if this window is closed")
