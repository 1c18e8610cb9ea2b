"""The drawer's second page: faults, duplicates and leaks in one list; a row of it leads to the row of the file."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QVBoxLayout, QWidget

from app.pages.plan.data.findings import FAULT, Finding
from app.theme import colour, em
from app.widgets.buttons import Button
from app.widgets.row_table import Index, RowModel, RowTable
from app.widgets.surface import Words

COLUMNS = ("What", "Row", "Why")
NOTHING = "Nothing was looked for beyond the first rows yet."


class _Findings(RowModel[Finding]):
    def is_figures(self, column: int) -> bool:
        return column == 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        found, column = self.rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return (found.kind, f"{found.row:,}" if found.row else "", found.words)[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour("bad" if column == 0 and found.kind == FAULT else "muted" if column == 2 else "text"))
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(1.6))
        return None


class FindingsView(QWidget):
    """`row_wanted` carries a row's number in the file; `check_wanted` that the whole file be checked."""

    row_wanted = Signal(int)
    check_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.4))
        head = QHBoxLayout()
        self.said = Words("", "text", wrap=True)
        self.said.setAccessibleName("What was found in the rows")
        self.check = Button("Check all rows")
        self.check.setAccessibleName("Check all rows")
        self.check.setToolTip("Every row against every other: the same row twice, held-out rows that are trained on")
        self.check.clicked.connect(self.check_wanted.emit)
        head.addWidget(self.said, 1)
        head.addWidget(self.check, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(head)
        self._model = _Findings(COLUMNS)
        self.table = RowTable("Findings", self._model)
        self.table.setAccessibleDescription("Return goes to the row")
        header = self.table.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.resizeSection(0, em(13))
        header.resizeSection(1, em(5))
        header.setStretchLastSection(True)
        self.table.clicked.connect(self._go)
        self.table.activated.connect(self._go)
        layout.addWidget(self.table, 1)

    def show_findings(self, found: tuple[Finding, ...], said: str, *, checking: bool, may: bool) -> None:
        self.said.setText(said or NOTHING)
        self.check.setEnabled(may and not checking)
        self.check.setText("Checking …" if checking else "Check all rows")
        self.check.updateGeometry()
        if tuple(self._model.rows) != found:
            self._model.show_rows(found)

    def _go(self, index: Index) -> None:
        row = self._model.rows[index.row()].row
        if row:
            self.row_wanted.emit(row)
