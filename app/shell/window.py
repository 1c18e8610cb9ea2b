"""The window: rail, pages, menus, status bar, and the wires between document, runner and pages.

It holds no figures and no rules: the document knows the plan, the runner knows the run, the pages show them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget

from app import background
from app.document import Document
from app.job import Job
from app.pages.plan.page import PlanPage
from app.pages.plan.picks import Pick
from app.pages.run.page import RunPage
from app.pages.trust.page import TrustPage
from app.pages.watch.page import WatchPage
from app.runner import Runner
from app.shell import asking, dropping, notices, remembered
from app.shell.actions import Menus
from app.shell.application import load_what_figures_need
from app.shell.checking import DRY, PROVE, Checking
from app.shell.commands import commands
from app.shell.counting import Counting
from app.shell.downloading import Downloading
from app.shell.explore_later import ExploreLater
from app.shell.files import Files
from app.shell.frame import frame
from app.shell.learning import Learning
from app.shell.opening import Opened, opened
from app.shell.overnight import Queueing
from app.shell.pages import PAGES, PLAN, RUN, WATCH
from app.shell.rail import Rail
from app.shell.refreshing import Refreshing
from app.shell.running import Running
from app.shell.runs import Runs
from app.shell.sharing import Sharing
from app.shell.shortcuts import ShortcutsPage
from app.shell.starting import Starter
from app.shell.status import StatusBar
from app.shell.teaching import Teaching
from app.shell.watching import Watching
from app.shell.welcome import Welcome
from app.shell.why import WhyDialog
from app.theme import theme
from app.widgets.activity_bar import ActivityBar
from app.widgets.problem_bar import ProblemBar
from planner.calibration.correction import Correction
from planner.estimate import Estimate
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.presets import situations
from planner.problem import Problem
from planner.run.folders import sweep_work

UNDER_WAY = "A proof of a plan is going on, and two would share this computer's memory."


class MainWindow(QMainWindow):
    """Opens filled: the plan of `file`, the one left unsaved, or the first-run preset."""

    filled = Signal()

    def __init__(self, file: Path | None = None) -> None:
        super().__init__()
        self.setObjectName("main")
        self.here: MachineFacts | None = None
        self.start_plan: Plan | None = None
        self.document = Document(self)
        self.runner = Runner(self)
        self.counting = Counting(self.document, self)
        self.files = Files(self.document, self)
        self.learning = Learning(self)
        self.refreshing = Refreshing(self.document, self)
        self._closing_decided = False
        self._build()
        self._wire()
        remembered.restore(self, self.plan_page.splitter)
        self.setAcceptDrops(True)
        background.run(lambda: opened(file), self._opened, self.problems.show_problem)
        self.runner.attach_latest()
        background.run(sweep_work, lambda _done: None)

    def _build(self) -> None:
        self.plan_page = PlanPage(self.document)
        self.run_page, self.trust_page, self.watch_page = RunPage(), TrustPage(), WatchPage()
        self.explore = ExploreLater(self.document)
        self.problems, self.activity, self.check_bar = ProblemBar(), ActivityBar(), ActivityBar("Check")
        self.download_bar = ActivityBar("Download")
        self.rail = Rail(PAGES)
        self.pages = QStackedWidget()
        self.runs = Runs(self)
        pages = (self.plan_page, self.explore, self.run_page, self.runs.page, self.trust_page, self.watch_page)
        for page in pages:
            self.pages.addWidget(page)
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.starter = Starter(self.document, self.runner, self.problems, self.activity, self)
        self.queueing = Queueing(self.runner, self.starter, self.problems, self)
        self.downloading = Downloading(self.download_bar, self.problems, self)
        self.checking = Checking(self.document, self.plan_page, self.check_bar, self.learning, self)
        self.watching = Watching(self.document, self.watch_page, self)
        self.teaching = Teaching(self.learning, self.trust_page, self)
        self.sharing = Sharing(self.document, self)
        self.welcome = Welcome()
        bars = (self.welcome, self.problems, self.activity, self.check_bar, self.download_bar)
        self.setCentralWidget(frame(self.rail, bars, self.pages))
        self.menus = Menus(self, commands(self), self.document.stack)
        self.menus.recent.aboutToShow.connect(lambda: self.menus.fill_recent(self.files.open, self.files.open_left))
        self.menus.situations.aboutToShow.connect(
            lambda: self.menus.fill_situations(situations(), self.files.open_preset)
        )
        self.menus.show_look(theme().wish)
        self.menus.show_run(live=False, paused=False)
        self.menus.notices.setChecked(notices.wanted())
        self.running = Running(self.runner, self.run_page, self.status, self.menus, self.problems, self)
        self.show_page(PLAN)

    def _wire(self) -> None:
        self.rail.chosen.connect(self.show_page)
        shown = (self.document, self.runner, self.plan_page, self.counting, self.files, self.checking)
        for finds_problems in (
            *shown,
            self.trust_page,
            self.watching,
            self.teaching,
            self.sharing,
            self.explore,
            self.runs,
            self.queueing,
        ):
            finds_problems.problem.connect(self.problems.show_problem)
        acting = (self.document, self.starter, self.counting, self.files, self.checking)
        for source in (*acting, self.learning, self.teaching, self.sharing, self.explore, self.runs, self.queueing):
            source.acted.connect(self.status.say)
        self.document.renamed.connect(self._show_name)
        self.document.changed.connect(self._plan_changed)
        self.explore.plan_page_wanted.connect(lambda: self.show_page(PLAN))
        self.plan_page.start_wanted.connect(self.start)
        self.plan_page.looking.wanted.connect(lambda: self.show_page(PLAN))
        what = self.plan_page.form.what
        self.starter.model_folder_wanted.connect(lambda: what.model_picked.emit(Pick("browse")))
        self.welcome.model_wanted.connect(lambda: what.model_picked.emit(Pick("browse")))
        self.welcome.data_wanted.connect(lambda: what.data_picked.emit(Pick("browse")))
        self.welcome.situation_wanted.connect(self.files.open_preset)
        self.plan_page.export_wanted.connect(self.files.ask_export)
        self.plan_page.share_wanted.connect(self.sharing.ask)
        self.plan_page.download_wanted.connect(self.downloading.ask)
        self.plan_page.unfinished.connect(self.downloading.tell_unfinished)
        self.downloading.fetched.connect(lambda folder: self.plan_page.take_drop(folder, "model"))
        self.downloading.acted.connect(self.status.say)
        self.sharing.opened.connect(lambda: self.show_page(PLAN))
        self.plan_page.dry_run_wanted.connect(self.checking.dry_run)
        self.plan_page.proof_wanted.connect(self.checking.prove)
        self.checking.libraries_missing.connect(self.starter.ask_for_libraries)
        self.checking.may_changed.connect(self._show_may)
        self.running.live.connect(self.checking.show_run_live)
        self.running.finished.connect(self.learning.after_run)
        self.learning.learned.connect(self._learned)
        self.refreshing.seen.connect(self._show_free)
        self.refreshing.settled.connect(self._settled)
        self.refreshing.acted.connect(lambda said: None if self.runner.running else self.status.say(said))
        self.running.finished.connect(lambda _folder: self.trust_page.look_if_seen())
        self.files.conflict.connect(lambda p: self.problems.show_problem(p, "Write over it", self.files.save_over))
        self.files.opened.connect(lambda: self.show_page(PLAN))
        self.watching.choose_wanted.connect(lambda: self.watching.ask(self))
        self.watching.attached.connect(lambda: self.show_page(WATCH))
        self.runner.started.connect(lambda: self.show_page(RUN))
        page = self.run_page
        page.wish.connect(self.runner.send)
        page.stop_wanted.connect(self.ask_stop)
        page.resume_wanted.connect(lambda: self._unless_proving(self.runner.resume))
        page.folder_wanted.connect(lambda: self.open_folder(self.runner.run_dir))
        page.example_wanted.connect(self.start_example)

    # opening and showing

    def _opened(self, found: Opened) -> None:
        self.start_plan = self.files.start_plan = found.start
        self._take_here(found.here)
        self.plan_page.show_start_plan(found.start)
        if found.left is not None:
            self.document.copy.take_over(found.left)
        self.document.open_plan(found.plan, found.start.stage, found.path, unsaved=found.left is not None)
        self.plan_page.start.setFocus()
        if found.problem:
            self.problems.show_problem(found.problem)
        if found.left is not None:
            self.status.say("Your unsaved plan is as you left it")
        self.learning.refresh()
        self.filled.emit()

    def _take_here(self, here: MachineFacts) -> None:
        self.here = self.starter.here = self.files.here = self.checking.here = here
        self.refreshing.begin(here)
        self.plan_page.show_here(here)

    def _learned(self, corrections: tuple[Correction, ...]) -> None:
        """This computer's own runs say something else now; the open plan's figures follow."""
        if self.here is not None and corrections != self.here.corrections:
            self._take_here(replace(self.here, corrections=corrections))
            self.document.refresh_machine(self.here)

    def _settled(self, here: MachineFacts) -> None:
        """What is free has changed; the plan's figures follow if it is for this computer."""
        self._take_here(here)
        self.document.refresh_machine(here)
        self._show_free(here)

    def _show_free(self, seen: MachineFacts) -> None:
        """In the status bar, of the device that the plan computes on or of this computer's first."""
        plan = self.document.plan
        on_here = plan is not None and plan.machine.name == seen.name
        self.status.show_here(seen, asking.device_here(plan, seen) if plan and on_here else seen.devices[0])

    def _plan_changed(self, estimate: Estimate) -> None:
        plan = estimate.plan
        self.welcome.show_plan(plan, self.start_plan)
        if self.here is not None:
            self._show_free(self.here)

    def show_page(self, number: int) -> None:
        self.pages.setCurrentIndex(number)
        self.rail.show_page(number)
        self.welcome.show_page(plan=number == PLAN)

    def _show_name(self) -> None:
        path = self.document.path
        self.setWindowFilePath(str(path) if path else "")
        self.setWindowTitle(f"{path.stem if path else 'Untitled plan'}[*] – Plimsoll")
        self.setWindowModified(self.document.modified)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(300, load_what_figures_need)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.ActivationChange, QEvent.Type.WindowStateChange):
            self.refreshing.looked_at()

    # run

    def start(self) -> None:
        self._unless_proving(self.starter.start)

    def _unless_proving(self, go: Callable[[], None]) -> None:
        if self.checking.proving:
            problem = Problem("run.proof_under_way", UNDER_WAY, "Wait for its end, or cancel it.")
            self.problems.show_problem(problem, "Cancel the proof", self.checking.cancel)
            return
        self.problems.drop("run.proof_under_way")
        go()

    def _show_may(self) -> None:
        may = self.checking.refused
        self.menus.show_may(dry_run=not may(DRY), prove=not may(PROVE))

    def start_example(self) -> None:
        """The Run page's empty state: the preset, started."""
        if self.start_plan is not None:
            self.document.change(self.start_plan)
            self.start()

    def ask_stop(self) -> None:
        if self.runner.running:
            asking.stop(self, lambda: self.runner.send("stop"))

    # dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if path := dropping.dropped_path(event.mimeData()):
            self.status.say(dropping.in_words(path))
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropping.dropped_path(event.mimeData())
        if path and (problem := dropping.take(path, self.files, self.plan_page)):
            self.problems.show_problem(problem)

    # window

    def choose_look(self, wish: str) -> None:
        theme().choose(wish)
        self.menus.show_look(wish)
        remembered.keep_look(wish)

    def show_shortcuts(self) -> None:
        self.shortcuts_page = ShortcutsPage(self.menus.all, self)
        self.shortcuts_page.show()

    @cached_property
    def why(self) -> WhyDialog:
        """Made when it is first asked for, and once."""
        found = WhyDialog(self.document, self)
        found.taken.connect(lambda: self.show_page(PLAN))
        return found

    def open_folder(self, folder: Path | None) -> None:
        if folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def reset_layout(self) -> None:
        remembered.forget()
        remembered.restore(self, self.plan_page.splitter)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._closing_decided:
            if not asking.may_leave(self, self.document, keep_scratch=True):
                event.ignore()
                return
            if self.runner.running and not asking.leave_run(self, self.runner):
                event.ignore()
                return
        self._closing_decided = True
        remembered.keep(self, self.plan_page.splitter)
        self.document.copy.close()
        self.refreshing.leave()
        self.runner.detach()
        self.watching.stop()
        self.plan_page.leave()
        self.trust_page.leave()
        self.counting.leave()
        self.run_page.leave()
        self.runs.leave()
        for job in self.findChildren(Job):
            job.leave()
        self.sharing.leave()
        self.explore.leave()
        for dialog in self.findChildren(WhyDialog):
            dialog.leave()
        super().closeEvent(event)
