"""The Runs page: every run of this computer in one list, to be found, compared, continued, opened as a plan and deleted.

It reads and writes only through `shelf`, `changes` and `curves`, all off the GUI thread. What concerns the whole window
(opening a run, starting a worker, changing the plan) it only asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QStackedLayout, QStackedWidget, QVBoxLayout, QWidget

from app import background
from app.pages.runs.changes import Changes
from app.pages.runs.charts import Charts
from app.pages.runs.compare import Compare
from app.pages.runs.curves import Curves, read
from app.pages.runs.filters import Filters
from app.pages.runs.one_run import ACTIONS, DELETE, OneRun
from app.pages.runs.overview import Overview
from app.pages.runs.queue_card import QueueCard, waiting_of
from app.pages.runs.shelf import Seen, Shelf
from app.pages.runs.state import RunsState
from app.pages.runs.table import RunsTable
from app.theme import em
from app.widgets.empty_page import EmptyPage
from app.widgets.scroll import Scrolled
from app.widgets.surface import Card, Words
from app.widgets.undo_bar import UndoBar
from planner.run.library import RunSummary

READ_AFTER_MS = 60  # so that holding an arrow key down reads one run's curves, not those of all on the way
NONE_HEADLINE, NONE_LABEL = "No runs yet – three clicks make one", "&Go to the plan"
NONE_SENTENCE = (
    "The plan you see on the Plan page is ready to start. Every run of this computer appears here, also those of other "
    "windows and of the command line."
)


class RunsPage(QWidget):
    """`wanted` carries (action, run) for what the window does; `plan_page_wanted` of the empty page; `deleting` the folders
    that are about to go."""

    wanted = Signal(str, object)
    plan_page_wanted = Signal()
    deleting = Signal(object)
    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Runs page")
        self.state = RunsState()
        self.shelf, self.changes = Shelf(self), Changes(self)
        self.curves: dict[str, Curves] = {}
        self._reading: tuple[str, ...] | None = None
        self._left = False
        self._read_timer = QTimer(self, singleShot=True, interval=READ_AFTER_MS)
        self._read_timer.timeout.connect(self._read)
        self._build()
        self._wire()
        self._show()

    def _build(self) -> None:
        self.sentence = Words("", "text", 1.3, bold=True, wrap=True)
        self.sentence.setAccessibleName("Runs in a sentence")
        self.undo_bar, self.queue, self.filters, self.table = UndoBar(), QueueCard(), Filters(), RunsTable()
        self.overview, self.one, self.compare, self.charts = Overview(), OneRun(), Compare(), Charts()
        listed = Card()
        listed.body.setContentsMargins(em(0.3), em(0.3), em(0.3), em(0.3))
        self.nothing_found = Words("No run has all of these words and passes these filters.", "muted", wrap=True)
        self.nothing_found.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        listed.body.addWidget(self.table, 1)
        listed.body.addWidget(self.nothing_found)
        self.left_side = QStackedWidget()
        self.left_side.addWidget(Scrolled(self.one, least_em=12))
        self.left_side.addWidget(self.compare)
        looked = QWidget()
        row = QHBoxLayout(looked)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(0.7))
        row.addWidget(self.left_side, 4)
        row.addWidget(self.charts, 6)
        below = QWidget()
        self.below = QStackedLayout(below)
        self.below.setContentsMargins(0, 0, 0, 0)
        self.below.addWidget(self.overview)
        self.below.addWidget(looked)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setAccessibleName("List and details")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(listed)
        self.splitter.addWidget(below)
        self.splitter.setSizes([em(22), em(22)])
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(em(1.3), em(0.9), em(1.3), em(0.9))
        column.setSpacing(em(0.6))
        for widget in (self.sentence, self.undo_bar, self.queue, self.filters):
            column.addWidget(widget)
        column.addWidget(self.splitter, 1)
        self.empty = EmptyPage(NONE_HEADLINE, NONE_SENTENCE, NONE_LABEL)
        self.empty.button.setAccessibleName(NONE_LABEL.replace("&", ""))
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(full)

    def _wire(self) -> None:
        self.shelf.changed.connect(self._saw)
        for source in (self.shelf, self.changes):
            source.problem.connect(self.problem.emit)
        self.changes.acted.connect(self.acted.emit)
        self.changes.changed.connect(self.shelf.look)
        self.changes.deleted.connect(self._deleted)
        self.changes.restored.connect(self._restored)
        self.undo_bar.undo_wanted.connect(self.changes.undo)
        self.filters.searched.connect(lambda text: self._ask(search=text))
        self.filters.states_asked.connect(lambda states: self._ask(states=states))
        self.filters.tags_asked.connect(lambda tags: self._ask(tags=tags))
        self.filters.search.left.connect(self._to_list)
        self.table.chosen.connect(self._choose)
        self.table.opened.connect(lambda key: self._want("open", key))
        self.table.delete_wanted.connect(self.delete)
        self.table.rename_wanted.connect(self._ask_name)
        self.table.ordered.connect(self._order)
        self.table.customContextMenuRequested.connect(self._menu)
        self.one.wanted.connect(self._want)
        self.one.written.connect(lambda written: self.changes.write(*written))
        self.compare.delete_wanted.connect(self.delete)
        self.compare.tags_added.connect(
            lambda tags: self.changes.add_tags([run.run_dir for run in self.state.chosen], tags)
        )
        self.overview.picked.connect(lambda key: self.table.choose([key], key))
        self.overview.free_wanted.connect(lambda: self.changes.delete_checkpoints(self.state.needless()[0]))
        self.queue.moved.connect(self.changes.reorder)
        self.queue.taken_out.connect(self.changes.take_out)
        self.queue.held.connect(self.changes.hold)
        self.empty.button.clicked.connect(self.plan_page_wanted.emit)

    def hasHeightForWidth(self) -> bool:
        """No: of a page with wrapped lines the layouts around it would take the wished height for the least, and the window
        would grow beyond its screen."""
        return False

    # beginning and end

    def begin(self) -> None:
        """The window stands: look at the folders from now on."""
        self.changes.begin()
        self.shelf.watch()

    def leave(self) -> None:
        """The window closes."""
        self._left = True
        self._read_timer.stop()
        self.one.note.leave()
        self.shelf.leave()
        self.changes.leave()

    # showing

    def _saw(self, seen: Seen) -> None:
        self.state.take(seen.library, seen.uses)
        self._show()

    def _show(self) -> None:
        state = self.state
        self._stack.setCurrentIndex(1 if state.runs or self.changes.last_deleted else 0)
        looked = state.looked
        self.empty.say(
            NONE_HEADLINE if looked else "Looking for runs …",
            NONE_SENTENCE if looked else "",
            NONE_LABEL if looked else "",
        )
        self.sentence.setText(state.sentence())
        self.filters.show_state(state)
        self.table.show_runs(state.shown, state.column, falling=state.falling)
        self.nothing_found.setVisible(bool(state.runs) and not state.shown)
        seen = self.shelf.seen
        live = next((run.name for run in state.runs if run.state.live), "")
        self.queue.show_waiting(waiting_of(seen.queued, seen.library.by_key) if seen else (), live)
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = self.state.chosen
        self.below.setCurrentIndex(1 if chosen else 0)
        if not chosen:
            self.one.leave()
            self.overview.show_state(self.state)
            return
        self.left_side.setCurrentIndex(0 if len(chosen) == 1 else 1)
        if len(chosen) == 1:
            self.one.show_run(chosen[0], self.curves.get(chosen[0].key))
        else:
            self.one.leave()
            self.compare.show_runs(chosen, self.curves)
        self.charts.show_runs(chosen, self.curves)
        self._read_timer.start()

    # curves

    def _read(self) -> None:
        """Read what is chosen, and only what has grown since; one reading at a time."""
        chosen = self.state.chosen
        if not chosen or self._reading is not None:
            return
        self._reading = tuple(run.key for run in chosen)
        before = dict(self.curves)
        background.run(lambda: read(chosen, before), self._curves_read, self._not_read)

    def _curves_read(self, found: Mapping[str, Curves]) -> None:
        asked, self._reading = self._reading, None
        if self._left:
            return
        news = any(self.curves.get(key) is not one for key, one in found.items())
        self.curves = dict(found)
        chosen = self.state.chosen
        if asked != tuple(run.key for run in chosen):
            self._read_timer.start()
        elif news:
            if len(chosen) == 1:
                self.one.show_run(chosen[0], found.get(chosen[0].key))
            else:
                self.compare.show_runs(chosen, found)
            self.charts.show_runs(chosen, found)

    def _not_read(self, problem: object) -> None:
        self._reading = None
        if not self._left:
            self.problem.emit(problem)

    # asking

    def _choose(self, keys: list[str]) -> None:
        self.state.choose(keys)
        self._show_chosen()

    def _ask(self, **asked: object) -> None:
        self.state.ask(**asked)  # type: ignore[arg-type]
        self._show()

    def _order(self, column: int, falling: bool) -> None:
        self.state.order(column, falling=falling)
        self._show()

    def _to_list(self) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        if self.state.shown and not self.state.chosen:
            key = self.state.shown[0].key
            self.table.choose([key], key)

    def _run(self, key: str = "") -> RunSummary | None:
        """The run of this key; without one, the one that is chosen alone."""
        chosen = self.state.chosen
        if not key:
            return chosen[0] if len(chosen) == 1 else None
        return next((run for run in self.state.runs if run.key == key), None)

    def _want(self, action: str, key: str = "") -> None:
        run = self._run(key)
        if run is None:
            return
        if action == DELETE:
            self.delete()
        else:
            self.wanted.emit(action, run)

    def _ask_name(self) -> None:
        if self._run() is not None:
            self.one.ask_name()

    def _menu(self, at: QPoint) -> None:
        """The chosen run's buttons, where the pointer is."""
        if self._run() is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for key, text, tip in ACTIONS:
            action = menu.addAction(text)
            action.setToolTip(tip)
            action.setEnabled(self.one.buttons[key].isEnabled())
            action.triggered.connect(lambda _on=False, key=key: self._want(key))
        menu.popup(self.table.viewport().mapToGlobal(at))

    # deleting

    def delete(self) -> None:
        """The chosen runs, without a question: it can be taken back."""
        folders = [run.run_dir for run in self.state.chosen]
        if folders:
            self.deleting.emit(folders)
            self.changes.delete(folders)

    def _deleted(self, told: str) -> None:
        self.undo_bar.say(f"{told}. It is gone for good when this window closes.")
        self.acted.emit(told)

    def _restored(self, keys: list[str]) -> None:
        self.undo_bar.setVisible(bool(self.changes.last_deleted))
        if self.changes.last_deleted:
            self.undo_bar.say(f"{self.changes.last_deleted}. It is gone for good when this window closes.")

    # keys

    def search(self) -> None:
        """Ctrl+F."""
        if self._stack.currentIndex() == 1:
            self.filters.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.filters.search.selectAll()

    def event(self, event: QEvent) -> bool:
        """Ctrl+Z on this page takes a deletion back before it is the plan's."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._is_ours(event):
            event.accept()
            return True
        return super().event(event)

    def _is_ours(self, event: QKeyEvent) -> bool:
        undo = event.matches(QKeySequence.StandardKey.Undo) and self.changes.can_undo
        return undo or event.matches(QKeySequence.StandardKey.Find)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo) and self.changes.can_undo:
            self.changes.undo()
        elif event.matches(QKeySequence.StandardKey.Find) or event.text() == "/":
            self.search()
        else:
            super().keyPressEvent(event)
