"""The Plan page: form at the left, budget at the right, what can be done with the plan above. It changes only the document.

Facts that come from files or devices are fetched off the GUI thread; what came of it is put to the plan as it is then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from app import background
from app.document import Document
from app.pages.plan.advice import suggestions
from app.pages.plan.budget import BudgetPanel
from app.pages.plan.chips import Chips
from app.pages.plan.data.batching import Batching
from app.pages.plan.data.drawer import DataDrawer
from app.pages.plan.data.looking import Looking
from app.pages.plan.edits import SCHEDULE, with_option, with_technique
from app.pages.plan.fetching import Fetches
from app.pages.plan.form import FormPanel
from app.pages.plan.local_models import UNFINISHED
from app.pages.plan.machine_dialog import MachineDialog, describe
from app.pages.plan.model_ask import ask_for
from app.pages.plan.model_menu import DOWNLOAD
from app.pages.plan.picks import Pick, plan_with_data, plan_with_machine, plan_with_model
from app.pages.plan.state import title, view
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.surface import Elided, Words
from planner.estimate import Estimate
from planner.facts.machine import MachineFacts
from planner.ledger import At
from planner.plan import Plan
from planner.problem import Problem

ROWS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".tab", ".parquet", ".arrow", ".txt", ".text", ".md")
ROWS_FILTER = f"Rows ({' '.join('*' + suffix for suffix in ROWS)});;All files (*)"
SETTLED_MS = 50
"""Advice is looked for when the page has been painted and no further change came: a thread that computes meanwhile would
hold up the painting, and a value that is dragged would ask for it many times a second."""
DRY_RUN_TIP = "Follow this run's steps tensor by tensor, without weights and without the card: some seconds (Ctrl+D)"
PROOF_TIP = "Two real steps on the longest rows here, then everything is freed; the band narrows (Ctrl+Shift+Return)"


class PlanPage(QWidget):
    """`download_wanted` carries a name of the Hub, or nothing where it is still to be asked for, `unfinished` a
    `CachedModel`; the other `…_wanted` carry nothing: the window asks the document."""

    start_wanted = Signal()
    export_wanted = Signal()
    share_wanted = Signal()
    dry_run_wanted = Signal()
    proof_wanted = Signal()
    download_wanted = Signal(str)
    unfinished = Signal(object)
    problem = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._here: MachineFacts | None = None
        self._start_plan: Plan | None = None
        self.describing: MachineDialog | None = None  # the dialog asked for last
        self._chosen: At | None = None
        self._drawer_placed = False
        self._advising = background.Task()
        self._settled = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settled.timeout.connect(self._advise)
        self._fetches = Fetches(document)
        self.looking = Looking(document, self._fetches, self)
        self.batching = Batching(document, self)
        self.setAccessibleName("Plan page")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(1.3), em(0.9), em(1.3), em(0.9))
        layout.setSpacing(em(0.8))
        layout.addLayout(self._head())
        self.form = FormPanel()
        self.budget = BudgetPanel()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(em(0.9))
        self.splitter.addWidget(self.form)
        self.drawer = DataDrawer(self.looking, self.batching)
        self.right = QSplitter(Qt.Orientation.Vertical)
        self.right.setChildrenCollapsible(False)
        self.right.setHandleWidth(em(0.7))
        self.right.addWidget(self.budget)
        self.right.addWidget(self.drawer)
        self.right.setStretchFactor(0, 2)
        self.right.setStretchFactor(1, 3)
        self.splitter.addWidget(self.right)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        layout.addWidget(self.splitter, 1)
        self.splitter.setEnabled(False)
        self._wire()

    def _head(self) -> QVBoxLayout:
        """Title and buttons, under them the file and the chips: what could be changed stands beside Start."""
        head, row, under = QVBoxLayout(), QHBoxLayout(), QHBoxLayout()
        head.setSpacing(em(0.35))
        row.setSpacing(em(0.6))
        self.title = Elided("Looking at this computer …", "text", 1.5, bold=True)
        self.title.setAccessibleName("Plan title")
        self.subtitle = Words("", "muted", 0.92)
        self.dry_run = Button("&Dry run")
        self.dry_run.setAccessibleName("Dry run")
        self.dry_run.clicked.connect(self.dry_run_wanted.emit)
        self.prove = Button("&Prove it")
        self.prove.setAccessibleName("Prove it")
        self.prove.clicked.connect(self.proof_wanted.emit)
        self.export = Button("E&xport…")
        self.export.setAccessibleName("Export…")
        self.export.setToolTip("Write this run as a script that needs only public libraries (Ctrl+E)")
        self.export.clicked.connect(self.export_wanted.emit)
        self.share = Button("Sh&are…")
        self.share.setAccessibleName("Share…")
        self.share.setToolTip("The verdict as text and picture, and the plan as a text to paste (Ctrl+Shift+C)")
        self.share.clicked.connect(self.share_wanted.emit)
        self.start = Button("&Start", primary=True)
        self.start.hint = "Ctrl+↵"
        self.start.setAccessibleName("Start")
        self.start.setToolTip("Start this run on this computer (Ctrl+Return)")
        self.start.clicked.connect(self.start_wanted.emit)
        row.addWidget(self.title, 1)
        for button in (self.dry_run, self.prove, self.export, self.share, self.start):
            button.setEnabled(False)
            row.addWidget(button)
        self.chips = Chips()
        self.chips.picked.connect(self._document.change)
        under.setSpacing(em(0.9))
        under.addWidget(self.subtitle, 0, Qt.AlignmentFlag.AlignTop)
        under.addWidget(self.chips, 1)
        head.addLayout(row)
        head.addLayout(under)
        return head

    def _wire(self) -> None:
        edit = self._document.edit
        what, how = self.form.what, self.form.how
        how.technique_picked.connect(lambda slot, name: edit(lambda p: with_technique(p, slot, name)))
        for source in (how.option_set, self.form.schedule.option_set):
            source.connect(
                lambda where, field, value: edit(
                    lambda p: with_option(p, where, field, value), merge=f"{where}.{field}"
                )
            )
        what.model_picked.connect(self._pick_model)
        what.data_picked.connect(self._pick_data)
        what.machine_picked.connect(self._pick_machine)
        what.rows_wanted.connect(lambda: self.open_data(not self.drawer.isVisible()))
        self.drawer.closed.connect(lambda: self.open_data(False))
        self.drawer.length_chosen.connect(lambda n: edit(lambda p: with_option(p, SCHEDULE, "max_length", n)))
        self.looking.wanted.connect(lambda: self.open_data(True))
        for source in (self.looking.problem, self.batching.problem):
            source.connect(self.problem.emit)
        self.looking.acted.connect(self._document.acted.emit)
        for row, part in zip(what.rows, ("model", "data", "machine"), strict=True):
            row.back.clicked.connect(lambda _on=False, part=part: self._part_back(part))
        self.budget.moment_picked.connect(self._choose_moment)
        self._document.changed.connect(self.show_estimate)
        self._document.renamed.connect(self._show_file)

    # showing

    def show_here(self, here: MachineFacts) -> None:
        """This computer as last probed."""
        self._here = here
        self.form.what.show_here(here)

    def show_start_plan(self, plan: Plan) -> None:
        """The plan that "back to default" goes back to."""
        self._start_plan = plan

    def show_estimate(self, now: Estimate) -> None:
        """Every figure of the page, from this one estimate."""
        start, plan = self._start_plan or now.plan, now.plan
        here = self._here is not None and self._here.name == plan.machine.name
        self.title.setText(title(plan, here=here))
        self._show_file()
        changed = {
            "model": plan.model.name != start.model.name,
            "data": plan.data.path != start.data.path,
            "machine": plan.machine.name != start.machine.name,
        }
        defaults = {"model": start.model.name, "data": start.data.name, "machine": start.machine.name}
        self.form.show_estimate(now, self._document.baseline or plan.stage, changed, defaults)
        self.drawer.show_estimate(now)
        shown = view(now, self._chosen)
        self.budget.show_view(shown)
        self.start.setText(shown.start_text.replace("Start", "&Start"))
        self.start.setAccessibleName(shown.start_text)
        self.start.setAccessibleDescription(f"{shown.headline} {shown.expected}")
        self.start.updateGeometry()
        self.prove.setText("&Prove it" if shown.fits else "&Prove anyway")
        self.prove.setAccessibleName(self.prove.text().replace("&", ""))
        self.prove.updateGeometry()
        for widget in (self.start, self.export, self.share, self.splitter):
            widget.setEnabled(True)
        self._advising.cancel()
        self.chips.pending()
        self._settled.start()

    def show_may(self, no_dry_run: str, no_proof: str) -> None:
        """Which checks can be asked for; each sentence says why not, and is empty where it can."""
        for button, tip, refused in (
            (self.dry_run, DRY_RUN_TIP, no_dry_run),
            (self.prove, PROOF_TIP, no_proof),
        ):
            button.setEnabled(not refused)
            button.setToolTip(f"{tip}\nNot now: {refused}" if refused else tip)
            button.setAccessibleDescription(refused or tip)

    def _advise(self) -> None:
        """Ways to fit, or to use the room, computed off the thread and shown if the plan is still this one."""
        now = self._document.estimate
        if now is not None:
            self._advising = background.run(
                lambda: suggestions(now),
                lambda found: self.chips.show_suggestions(*found) if self._document.estimate is now else None,
                self.problem.emit,
            )

    def leave(self) -> None:
        """The window closes: advice under way finds nobody any more."""
        self._settled.stop()
        self._advising.cancel()
        self._fetches.leave()
        for part in (self.looking, self.batching, self.drawer):
            part.leave()

    def open_data(self, on: bool) -> None:
        """Show the data drawer under the verdict, or shut it; the keyboard goes with it."""
        shut = self.drawer.isVisible() and not on
        self.drawer.set_open(on)
        self.budget.setMinimumHeight(em(8) if on else 0)
        if on and not self._drawer_placed:  # the verdict keeps its lines, the drawer has the rest
            self._drawer_placed = True
            high = self.right.height()
            above = min(max(high - em(30), em(8)), em(21))
            self.right.setSizes([above, high - above])
        self.form.what.show_drawer(on)
        if shut:
            self.form.what.look.setFocus()

    def _show_file(self) -> None:
        path = self._document.path
        name = path.name if path else "not saved yet"
        self.subtitle.setText(f"{name} · edited" if self._document.modified else name)

    def _choose_moment(self, at: At) -> None:
        self._chosen = at
        if self._document.estimate:
            self.budget.show_view(view(self._document.estimate, at))

    # picking

    def _fetch(self, build: Callable[[Plan], Plan], parts: tuple[str, ...]) -> None:
        """Build a plan with other facts off the thread, then put those parts to the plan as it is by then."""

        def refused(problem: Problem) -> None:
            self.problem.emit(problem)
            self._show_again()

        self._fetches.ask(
            build, lambda plan, built: self._document.edit(lambda p: _with_parts(p, plan, built, parts)), refused
        )

    def _show_again(self) -> None:
        if self._document.estimate:
            self.show_estimate(self._document.estimate)

    def _pick_model(self, pick: Pick) -> None:
        """What is no model yet is asked for first, or told to whoever can fetch it."""
        if pick.kind == UNFINISHED:
            self.unfinished.emit(self.form.what.models.found[pick.which])
        elif pick.kind == DOWNLOAD:
            self.download_wanted.emit(pick.which)
        else:
            chosen = ask_for(self, pick)
            if chosen is not None:
                self.take_model(chosen)

    def take_model(self, pick: Pick) -> None:
        self._fetch(lambda p: plan_with_model(p, pick), ("model", "data", "stages"))

    def _pick_data(self, pick: Pick) -> None:
        if pick.kind.startswith("browse"):
            if pick.kind == "browse":
                found, _kind = QFileDialog.getOpenFileName(self, "A file of rows", "", ROWS_FILTER)
            else:
                found = QFileDialog.getExistingDirectory(self, "A folder that datasets saved, or of files of rows")
            self._show_again()  # the menu says what the plan has, until it has something else
            if not found:
                return
            pick = Pick("file", found)
        self.take_data(pick)

    def take_data(self, pick: Pick) -> None:
        if pick.kind == "file":
            self.looking.take(pick.which)
        else:
            self._fetch(lambda p: plan_with_data(p, pick), ("data",))

    def _pick_machine(self, pick: Pick) -> None:
        here = self._here
        if pick.kind == "other":
            plan = self._document.plan
            self.describing = describe(plan, self, self._pick_machine) if plan else None
            return
        self._document.edit(lambda p: plan_with_machine(p, here, pick))

    def _part_back(self, part: str) -> None:
        start = self._start_plan
        if start is None:
            return
        if part == "model":
            self.take_model(Pick("embedded"))
        elif part == "data":
            self.take_data(Pick("sample"))
        elif self._here is not None:
            self._pick_machine(Pick("here", self._here.devices[0].id))

    def take_drop(self, path: Path, what: str) -> None:
        """A dropped file or folder: a model, or rows."""
        if what == "model":
            self.take_model(Pick("folder", str(path)))
        else:
            self.take_data(Pick("file", str(path)))


def _with_parts(now: Plan, asked: Plan, built: Plan, parts: tuple[str, ...]) -> Plan:
    """`now` with the parts that differ between what was asked about and what came of it."""
    taken = {part: getattr(built, part) for part in parts if getattr(built, part) != getattr(asked, part)}
    return replace(now, **taken) if taken else now
