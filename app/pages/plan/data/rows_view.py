"""The drawer's first page: how the columns are mapped, the first rows as they stand, and what the chosen one becomes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.pages.plan.data.mapping_bar import MappingBar
from app.pages.plan.data.rows import ShownRow, as_text, becomes
from app.pages.plan.data.rows_table import RowsTable
from app.pages.plan.data.source import made_words
from app.theme import em
from app.widgets.marked_text import MarkedText
from app.widgets.marks import Mark
from app.widgets.surface import Words, caption
from planner.facts.mapping import Mapping
from planner.facts.preview import Preview

BESIDE_EM = 46
"""Where there is less room the two stand over each other."""


class RowsView(QWidget):
    """`form_chosen(form)`, `column_chosen(role, column)` as the bar or a heading's menu has them."""

    form_chosen = Signal(str)
    column_chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview: Preview | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.4))
        self.bar = MappingBar()
        self.bar.form_chosen.connect(self.form_chosen.emit)
        self.bar.column_chosen.connect(self.column_chosen.emit)
        layout.addWidget(self.bar)
        self.made = Words("", "muted", 0.9, wrap=True)
        self.made.setAccessibleName("What is done to the rows")
        layout.addWidget(self.made)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(em(0.8))
        self.table = RowsTable()
        self.table.row_chosen.connect(self._show_row)
        self.table.column_chosen.connect(self.column_chosen.emit)
        self.splitter.addWidget(self.table)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(0.2))
        self.heading = caption("Becomes")
        column.addWidget(self.heading)
        self.becomes = MarkedText("What the row becomes")
        column.addWidget(self.becomes, 1)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        layout.addWidget(self.splitter, 1)

    def show_preview(self, preview: Preview | None, rows: tuple[ShownRow, ...], mapping: Mapping) -> None:
        if preview is self._preview and self.bar.shown == mapping:
            return
        self._preview = preview
        columns = preview.columns if preview else ()
        self.bar.show_mapping(mapping, columns)
        told = " ".join([*(preview.notes if preview else ()), made_words(mapping)]).strip()
        self.made.setText(told)
        self.made.setVisible(bool(told))
        self.table.show_file(columns, rows, mapping)
        self._show_row(self.table.currentIndex().row())

    def see_row(self, number: int) -> bool:
        """Go to the row with this number in the file; False where it is not among the first ones."""
        numbers = [row.number for row in self.table.rows]
        if number not in numbers:
            return False
        self.table.see(numbers.index(number))
        self.table.setFocus()
        return True

    def _show_row(self, place: int) -> None:
        if self._preview is None:
            self.becomes.show_pieces((), "")
            return
        parts = becomes(self._preview, place)
        pieces: list[tuple[str, Mark, bool]] = []
        for part in parts:
            if part.heading:
                pieces.append((f"{part.heading.upper()}\n", Mark.HEADING, False))
            pieces.append((f"{part.text}\n\n", Mark.PLAIN, False))
        self.becomes.show_pieces(pieces, as_text(parts))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = event.size().width() >= em(BESIDE_EM)
        if beside == (self.splitter.orientation() is Qt.Orientation.Horizontal):
            return
        self.splitter.setOrientation(Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical)
        self.splitter.setSizes([em(30), em(20)] if beside else [em(12), em(7)])
