"""The card of several chosen runs: what came of each beside the settings that differ, and nothing that is the same in all.

A letter names each run, the same one that stands at its curve's end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QWidget

from app.pages.runs.curves import Curves
from app.pages.runs.differing import Line, differences, differing_words, outcomes
from app.pages.runs.overlay import letter
from app.pages.runs.telling import many_words
from app.theme import colour, em, figures, font
from app.widgets.buttons import Button
from app.widgets.fields import TextField
from app.widgets.row_table import Index, RowModel, RowTable
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, Elided, Words
from planner.run import about
from planner.run.library import RunSummary

_WHAT_EM, _VALUE_EM = 9, 7.5


class _Model(RowModel[Line]):
    def __init__(self) -> None:
        super().__init__(("What",))
        self.plain, self.figures = font(0.96), figures(0.92)

    def show_lines(self, headings: Sequence[str], lines: Sequence[Line]) -> None:
        self.beginResetModel()
        self.headings, self.rows = tuple(headings), lines
        self.endResetModel()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line, column = self.rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return line.values[column - 1] if column else line.what
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour("text" if column else "muted"))
        if role == Qt.ItemDataRole.FontRole:
            return self.figures if column else self.plain
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(1.6))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        return None


class CompareTable(RowTable):
    """Ctrl+C copies all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = _Model()
        super().__init__("What differs in the chosen runs", self._model, parent)
        self.setHorizontalScrollBar(ScrollBar(lying=True))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setCornerWidget(QWidget())
        self.header().setStretchLastSection(False)

    def show_lines(self, headings: Sequence[str], lines: Sequence[Line]) -> None:
        if (tuple(headings), list(lines)) == (self._model.headings, list(self._model.rows)):
            return
        at = self.verticalScrollBar().value()
        self._model.show_lines(headings, lines)
        self.verticalScrollBar().setValue(at)
        self._share_width()

    def lines(self) -> list[tuple[str, ...]]:
        return [self._model.headings, *((line.what, *line.values) for line in self._model.rows)]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText("\n".join("\t".join(line) for line in self.lines()))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        values = len(self._model.headings) - 1
        self.setColumnWidth(0, em(_WHAT_EM))
        room = (self.viewport().width() - em(_WHAT_EM)) // values if values else 0
        for column in range(1, values + 1):
            self.setColumnWidth(column, max(em(_VALUE_EM), room))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(16), em(6))


class Compare(Card):
    """`delete_wanted`; `tags_added` carries tags for all of them."""

    delete_wanted = Signal()
    tags_added = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The chosen runs")
        self.title = Elided("", "text", 1.15, bold=True)
        self.title.setAccessibleName("How many runs are compared")
        self.sentence = Words("", "muted", wrap=True)
        self.sentence.setAccessibleName("How many settings differ")
        self.table = CompareTable()
        row = QHBoxLayout()
        row.setSpacing(em(0.5))
        self.tags = TextField()
        self.tags.setPlaceholderText("Add tags to all of them")
        self.tags.setAccessibleName("Add tags to the chosen runs")
        self.tags.entered.connect(self._add)
        self.delete = Button("Delete", pill=True)
        self.delete.setAccessibleName("Delete the chosen runs")
        self.delete.clicked.connect(self.delete_wanted.emit)
        row.addWidget(self.tags, 1)
        row.addWidget(self.delete)
        self.body.addWidget(self.title)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.table, 1)
        self.body.addLayout(row)

    def show_runs(self, runs: tuple[RunSummary, ...], curves: Mapping[str, Curves]) -> None:
        self.title.setText(many_words(runs))
        read = [curves.get(run.key) for run in runs]
        found = differences([one.plan if one else None for one in read])
        unread = sum(one is not None and one.plan is None for one in read)
        self.sentence.setText(
            differing_words(found, len(runs), unread) if all(read) else "Reading their plans and curves …"
        )
        headings = ("", *(f"{letter(i)}  {run.name}" for i, run in enumerate(runs)))
        self.table.show_lines(headings, [*outcomes(runs), *found])
        live = sum(run.state.live for run in runs)
        self.delete.setEnabled(live < len(runs))
        self.delete.setToolTip(
            "Those that are running stay" if live else "Into the trash, until this window closes (Del)"
        )

    def _add(self, text: str) -> None:
        tags = about.tags_of(text)
        self.tags.show_value("")
        if tags:
            self.tags_added.emit(tags)
