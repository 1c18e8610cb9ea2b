"""The table of runs: sorted by any heading, any number chosen, alive without losing what is chosen or where one has scrolled.

It shows what the state orders and tells what a person chose; it opens and deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from app.pages.runs.words import COLUMNS, HEADINGS, MEANINGS, MISS, NAME, STATE, TAGS, TONES, cells, outside
from app.theme import colour, em, figures, font
from app.widgets.row_table import Index, RowModel, RowTable
from app.widgets.scroll import ScrollBar
from planner.run.library import RunSummary

_WIDTHS_EM = {
    "Name": 10.0,
    "State": 6.2,
    "Model": 9.5,
    "Method": 8.5,
    "Step": 6.4,
    "Tags": 8.0,
    "Began": 8.4,
    "Time": 5.4,
}
_FIGURES_EM = 4.9
_LEAST_EM = 5.0
_ROW_EM = 1.75


class RunsModel(RowModel[RunSummary]):
    """The runs in the state's order. Changed figures are told cell by cell, another order without forgetting anything."""

    def __init__(self) -> None:
        super().__init__(HEADINGS)
        self.plain, self.figures = font(0.96), figures(0.9)  # made once: asked for with every cell

    def is_figures(self, column: int) -> bool:
        return COLUMNS[column][3]

    def show_runs(self, runs: Sequence[RunSummary]) -> bool:
        """Show these; False when rows came or went, and whoever looks must put its choice back."""
        before = {run.key: i for i, run in enumerate(self.rows)}
        if len(before) != len(runs) or any(run.key not in before for run in runs):
            self.show_rows(runs)
            return False
        if any(before[run.key] != i for i, run in enumerate(runs)):
            self._reorder(runs)
            return True
        changed = [i for i, (was, now) in enumerate(zip(self.rows, runs, strict=True)) if was is not now]
        self.rows = runs
        for i in changed:
            self.dataChanged.emit(self.index(i, 0), self.index(i, len(self.headings) - 1))
        return True

    def _reorder(self, runs: Sequence[RunSummary]) -> None:
        self.layoutAboutToBeChanged.emit()
        places = {run.key: i for i, run in enumerate(runs)}
        old = self.persistentIndexList()
        new = [self.index(places[self.rows[index.row()].key], index.column()) for index in old]
        self.rows = runs
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        run, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[column][1](run)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tool_tip(run, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        if role == Qt.ItemDataRole.FontRole:
            return self.figures if self.is_figures(column) else self.plain
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour(_tone(run, column)))
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(_ROW_EM))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{HEADINGS[column]}: {COLUMNS[column][1](run)}"
        return None


def _tone(run: RunSummary, column: int) -> str:
    if column == STATE:
        return TONES.get(run.state, "text")
    if column == MISS:
        return "bad" if outside(run) else "text"
    return "text" if column == NAME or COLUMNS[column][3] else "muted"


def _tool_tip(run: RunSummary, column: int) -> str:
    if column == STATE:
        return f"{run.state.value}: {MEANINGS[run.state]}" + (f"\n{run.problem_fact}" if run.problem_fact else "")
    told = (run.name, f"{run.model} · {run.method}", run.sentence, run.note[:300], run.unread, run.key)
    return "\n".join(text for text in told if text.strip(" ·"))


class RunsTable(RowTable):
    """`chosen` carries keys; `opened` the key of a run that was double-clicked or asked for with Return; `delete_wanted`
    and `rename_wanted` for their keys; `ordered` a column and whether it falls."""

    chosen = Signal(object)
    opened = Signal(str)
    delete_wanted = Signal()
    rename_wanted = Signal()
    ordered = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = RunsModel()
        self._quiet = False
        super().__init__("Runs", self._model, parent, sorts=True)
        self.setAccessibleDescription(
            "Return opens a run, F2 names it, Delete deletes it, Ctrl+C copies the chosen rows"
        )
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBar(ScrollBar(lying=True))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setCornerWidget(QWidget())
        header = self.header()
        header.setStretchLastSection(True)
        header.setSortIndicatorShown(True)
        header.sectionClicked.connect(self._sort_clicked)
        self.doubleClicked.connect(lambda index: self.opened.emit(self._model.rows[index.row()].key))
        self._widths = tuple(_WIDTHS_EM.get(name, _FIGURES_EM) for name in HEADINGS)

    # showing

    def show_runs(self, runs: Sequence[RunSummary], column: int, *, falling: bool) -> None:
        """Show these; what was chosen and is still there stays chosen, and the list stays where it was scrolled to."""
        self._quiet = True
        self.header().setSortIndicator(column, _order(falling))
        keys, current, at = self.keys_chosen(), self.current_key(), self.verticalScrollBar().value()
        if not self._model.show_runs(runs):
            self.choose(keys, current)
            self.verticalScrollBar().setValue(at)
        self._quiet = False
        if self.keys_chosen() != keys:
            self.chosen.emit(self.keys_chosen())

    def keys(self) -> list[str]:
        """What is in the table, from the top."""
        return [run.key for run in self._model.rows]

    def texts(self) -> list[tuple[str, ...]]:
        return [cells(run) for run in self._model.rows]

    def keys_chosen(self) -> list[str]:
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._model.rows[row].key for row in rows]

    def current_key(self) -> str:
        row = self.currentIndex().row()
        return self._model.rows[row].key if 0 <= row < len(self._model.rows) else ""

    def choose(self, keys: Iterable[str], current: str = "") -> None:
        """The same from outside."""
        wanted = set(keys)
        selection, model = QItemSelection(), self._model
        last = len(model.headings) - 1
        for i, run in enumerate(model.rows):
            if run.key in wanted:
                selection.select(model.index(i, 0), model.index(i, last))
            if run.key == current or (not current and run.key in wanted):
                self.selectionModel().setCurrentIndex(model.index(i, 0), QItemSelectionModel.SelectionFlag.NoUpdate)
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    # asking

    def _sort_clicked(self, column: int) -> None:
        # Qt has turned the arrow already
        self.ordered.emit(column, self.header().sortIndicatorOrder() is Qt.SortOrder.DescendingOrder)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._quiet:
            self.chosen.emit(self.keys_chosen())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() and self.current_key():
            self.opened.emit(self.current_key())
        elif event.matches(QKeySequence.StandardKey.Delete):
            self.delete_wanted.emit()
        elif event.key() == Qt.Key.Key_F2:
            self.rename_wanted.emit()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up) and not self.keys_chosen() and self._model.rows:
            row = max(0, self.currentIndex().row())  # the first press chooses where one is
            self.choose([self._model.rows[row].key])
        elif event.text() == "/":
            event.ignore()  # the page's own, to search; a list would look for a name that begins so
        else:
            super().keyPressEvent(event)

    def copy(self) -> None:
        """The chosen rows as text with tabs; all where none is."""
        wanted = set(self.keys_chosen())
        rows = [cells(run) for run in self._model.rows if not wanted or run.key in wanted]
        QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in (HEADINGS, *rows)))

    # room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Figures as wide as they are; where there is room left, names and tags take it."""
        unit = QFontMetrics(self._model.plain).height()
        wide = [round(w * unit) for w in self._widths]
        spare = self.viewport().width() - sum(wide)
        if spare > 0:
            for name, share in (("Name", 0.4), ("Model", 0.25), ("Method", 0.2)):
                wide[HEADINGS.index(name)] += round(spare * share)
        for column, width in enumerate(wide[:TAGS]):
            self.setColumnWidth(column, width)

    def sizeHint(self) -> QSize:
        return QSize(em(60), em(18))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(20), em(_LEAST_EM + _ROW_EM))


def _order(falling: bool) -> Qt.SortOrder:
    return Qt.SortOrder.DescendingOrder if falling else Qt.SortOrder.AscendingOrder
