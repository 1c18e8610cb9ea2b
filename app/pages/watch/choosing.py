"""The question which process to watch: a list that can be searched, and a field for its number. It looks once and again
on demand, off the GUI thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QDialog, QFrame, QHBoxLayout, QListView, QVBoxLayout, QWidget

from app import background
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.combo import DETAIL, VALUE, EntryDelegate
from app.widgets.fields import Number, TextField
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Words
from planner.probe.process import Candidate, candidates
from planner.problem import Problem
from planner.units import words

LARGEST_PID = 2**31 - 1


def label(candidate: Candidate) -> str:
    """`4711  python train.py …`."""
    return f"{candidate.pid}   {candidate.command}"


def detail(candidate: Candidate) -> str:
    return f"{'torch · ' if candidate.torch else ''}{words(candidate.bytes)}"


class ChooseProcess(QDialog):
    """`chosen` carries (pid, started); started is 0 for a number that was typed."""

    chosen = Signal(int, float)
    problem = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Watch a process")
        self.setAccessibleName("Watch a process")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self._found: tuple[Candidate, ...] = ()
        self._looking = background.Task()
        layout = QVBoxLayout(self)
        layout.setSpacing(em(0.5))
        layout.addWidget(Words("It is only looked at: its memory is drawn against the open plan.", "muted"))
        self.search = TextField()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search processes")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._fill())
        self.search.installEventFilter(self)
        layout.addWidget(self.search)
        self.view = QListView()
        self.view.setAccessibleName("Processes")
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setItemDelegate(EntryDelegate(self.view))
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setUniformItemSizes(True)
        self.view.setVerticalScrollBar(ScrollBar())
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._model = QStandardItemModel(self)
        self.view.setModel(self._model)
        self.view.activated.connect(self._take)
        self.view.selectionModel().currentChanged.connect(lambda index, _before: self._show_pid(index))
        layout.addWidget(self.view, 1)
        self.state = Words("Looking at what runs here …", "muted", 0.92)
        layout.addWidget(self.state)
        layout.addLayout(self._buttons())
        self.look()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(em(0.5))
        row.addWidget(Words("Number (pid)", "text"))
        self.pid = Number(whole=True, minimum=0, maximum=LARGEST_PID)
        self.pid.setAccessibleName("Process number")
        row.addWidget(self.pid)
        row.addStretch(1)
        again = Button("&Look again")
        again.setAccessibleName("Look again")
        again.clicked.connect(self.look)
        cancel = Button("&Cancel")
        cancel.setAccessibleName("Cancel")
        cancel.clicked.connect(self.reject)
        self.watch = Button("&Watch", primary=True)
        self.watch.setAccessibleName("Watch")
        self.watch.setDefault(True)
        self.watch.clicked.connect(self._take_pid)
        for button in (again, cancel, self.watch):
            button.setAutoDefault(button is self.watch)
            row.addWidget(button)
        return row

    def look(self) -> None:
        """Ask the system again."""
        self._looking.cancel()
        self._looking = background.run(candidates, self.show_candidates, self._blind)

    def done(self, result: int) -> None:
        """Closed: a list under way finds nobody any more."""
        self._looking.cancel()
        super().done(result)

    def _blind(self, problem: Problem) -> None:
        self.state.setText(problem.fact)
        self.problem.emit(problem)

    def show_candidates(self, found: Sequence[Candidate]) -> None:
        self._found = tuple(found)
        self._fill()

    def _fill(self) -> None:
        wanted = self.search.text().lower().split()
        self._model.clear()
        for candidate in self._found:
            text = label(candidate)
            if all(word in text.lower() for word in wanted):
                item = QStandardItem(text)
                item.setData(candidate, VALUE)
                item.setData(detail(candidate), DETAIL)
                item.setToolTip(candidate.command)
                self._model.appendRow(item)
        n = self._model.rowCount()
        what = "process of your own" if n == 1 else "processes of your own"
        self.state.setText(
            f"{n} {what}: those with torch first, then Python, the largest first." if n else "None found."
        )
        if n:
            self.view.setCurrentIndex(self._model.index(0, 0))

    def _chosen(self) -> Candidate | None:
        item = self._model.itemFromIndex(self.view.currentIndex())
        found = item.data(VALUE) if item is not None else None
        return found if isinstance(found, Candidate) else None

    def _show_pid(self, _index: QModelIndex) -> None:
        candidate = self._chosen()
        if candidate is not None:
            self.pid.show_value(candidate.pid)

    def _take(self, _index: QModelIndex) -> None:
        candidate = self._chosen()
        if candidate is not None:
            self._tell(candidate.pid, candidate.started)

    def _take_pid(self) -> None:
        """The number in the field; if it is the one picked in the list, it must still be the same process."""
        pid, candidate = round(self.pid.value()), self._chosen()
        self._tell(pid, candidate.started if candidate is not None and candidate.pid == pid else 0.0)

    def _tell(self, pid: int, started: float) -> None:
        self.accept()
        self.chosen.emit(pid, started)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down in the search line move in the list."""
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                row = max(0, min(self._model.rowCount() - 1, self.view.currentIndex().row() + step))
                self.view.setCurrentIndex(self._model.index(row, 0))
                return True
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        return QSize(em(42), em(26))
