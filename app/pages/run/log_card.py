"""The run's log: every line of its journal in words, of any length, by kind and by text; the newest stays in sight while
the view stands at its end. Ctrl+F goes to the search, Ctrl+C copies the chosen lines."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QTableView

from app import background
from app.pages.run.log_lines import FILTERS
from app.pages.run.log_model import LogModel, in_words
from app.pages.run.log_search import Asked, of_kinds, search
from app.theme import em, figures
from app.widgets.combo import Combo
from app.widgets.fields import TextField
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, Words, caption
from planner.problem import Problem
from planner.run.journal_index import JournalIndex

FEW_LINES = 5000  # sorted by kind on the GUI thread
MOST_COPIED = 100_000


class LogTable(QTableView):
    """Lines of one height; the view asks for those in sight and for no others."""

    def __init__(self, model: LogModel) -> None:
        super().__init__()
        self.lines = model
        self.setModel(model)
        self.setAccessibleName("Log")
        self.setAccessibleDescription("One line per event; arrow keys move, Ctrl+C copies the chosen lines")
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setVerticalScrollBar(ScrollBar())
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        down, across = self.verticalHeader(), self.horizontalHeader()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setMinimumSectionSize(1)
        down.setDefaultSectionSize(round(QFontMetrics(figures(0.9)).height() * 1.15))
        down.hide()
        across.setStretchLastSection(True)
        across.hide()
        self.copying: background.Task | None = None
        copy = QShortcut(QKeySequence.StandardKey.Copy, self, context=Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy)

    def copy(self) -> None:
        """The chosen lines as text, read off the GUI thread; without a choice, nothing."""
        index = self.lines.source
        chosen = self.selectionModel().selection()
        spans = sorted((chosen.at(n).top(), chosen.at(n).bottom()) for n in range(chosen.count()))
        rows = [row for top, bottom in spans for row in range(top, bottom + 1)][:MOST_COPIED]
        if index is None or not rows:
            return
        lines = [self.lines.line(row) for row in rows]
        clipboard = QGuiApplication.clipboard()
        self.copying = background.run(lambda: "\n".join(in_words(index, lines)), clipboard.setText)

    def at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum()

    def sizeHint(self) -> QSize:
        return QSize(em(12), em(6))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(6), em(4))


class LogCard(Card):
    """`show_journal` with each change of the run; it takes up what is new."""

    def __init__(self) -> None:
        super().__init__()
        self._index: JournalIndex | None = None
        self._asked = Asked(FILTERS[0].kinds)
        self._seen = 0  # lines of the index that were looked through or are being
        self._searching: background.Task | None = None
        head = QHBoxLayout()
        head.setSpacing(em(0.5))
        head.addWidget(caption("Log"))
        self.count = Words("", "muted", 0.88)
        self.count.setAccessibleName("Lines shown")
        head.addWidget(self.count)
        head.addStretch(1)
        self.kinds = Combo()
        self.kinds.setAccessibleName("Kind of lines")
        for choice in FILTERS:
            self.kinds.addItem(choice.label)
        self.kinds.currentIndexChanged.connect(lambda _n: self._ask())
        self.kinds.setMinimumWidth(em(10))
        head.addWidget(self.kinds)
        self.filter = TextField()
        self.filter.setPlaceholderText("Search")
        self.filter.setAccessibleName("Search the log")
        self.filter.setMaximumWidth(em(11))
        self.filter.textChanged.connect(lambda _text: self._ask())
        head.addWidget(self.filter)
        self.body.addLayout(head)
        self.model = LogModel()
        self.table = LogTable(self.model)
        self.body.addWidget(self.table, 1)
        find = QShortcut(QKeySequence.StandardKey.Find, self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.filter.setFocus)

    def show_journal(self, index: JournalIndex | None) -> None:
        """This journal, or what is new in it."""
        if index is not self._index:
            self._index = index
            self._ask()
        else:
            self._take_new()

    def leave(self) -> None:
        """Nothing that is read now is waited for."""
        self._stop()
        self.model.leave()
        if self.table.copying:
            self.table.copying.cancel()

    def _stop(self) -> None:
        if self._searching:
            self._searching.cancel()
            self._searching = None

    def _ask(self) -> None:
        """Look through the journal from its beginning."""
        self._stop()
        self._asked = Asked(FILTERS[max(0, self.kinds.currentIndex())].kinds, self.filter.text().strip())
        self._seen = 0
        if self._index is None or self._asked.all_lines:
            self.model.show_all(self._index)
        else:
            self.model.show_some(self._index)
        self._take_new()
        self.table.scrollToBottom()

    def _take_new(self) -> None:
        index, asked, begin = self._index, self._asked, self._seen
        end = len(index) if index is not None else 0
        if index is None or self._searching or begin >= end:
            self._say()
            return
        self._seen = end
        if asked.all_lines:
            self._grow(lambda: self.model.grow_to(end))
        elif not asked.text and end - begin <= FEW_LINES:
            self._grow(lambda: self.model.append(of_kinds(index, begin, end, asked.kinds)))
        else:
            self._search(index, begin, end)

    def _search(self, index: JournalIndex, begin: int, end: int) -> None:
        asked = self._asked
        going: list[background.Task] = []

        def go_on() -> bool:
            return not going or going[0].wanted

        def found(told: tuple[array[int], int]) -> None:
            self._grow(lambda: self.model.append(told[0]), through=told[1])

        def done(_result: object) -> None:
            self._searching = None
            self._take_new()

        def failed(problem: Problem) -> None:
            self._searching = None
            self.count.setText(problem.fact)

        self._searching = background.run_with_progress(
            lambda tell: search(index, begin, end, asked, lambda lines, at: tell((lines, at)), go_on),
            found,
            done,
            failed,
        )
        going.append(self._searching)
        self._say(begin)

    def _grow(self, grow: Callable[[], None], through: int | None = None) -> None:
        """Add rows; the newest stays in sight if it was."""
        follow = self.table.at_end()
        grow()
        if follow:
            self.table.scrollToBottom()
        self._say(through)

    def _say(self, through: int | None = None) -> None:
        of = len(self._index) if self._index is not None else 0
        shown = self.model.rowCount()
        text = f"{shown:,} of {of:,} lines" if shown != of else f"{of:,} lines"
        if self._searching and through is not None and of:
            text += f" · searching, {through * 100 // of} %"
        self.count.setText(text)
