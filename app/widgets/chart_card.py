"""A card that holds a chart and its table twin: the same figures, for keyboards, screen readers and copying."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.surface import Card, Elided, caption

Rows = Callable[[], list[tuple[str, ...]]]


class ChartCard(Card):
    """heading, one sentence, the chart; a button puts a table in the chart's place. `rows` is asked when it is shown."""

    def __init__(
        self, heading: str, chart: QWidget, columns: tuple[str, ...], rows: Rows, parent: QWidget | None = None
    ):
        super().__init__(parent)
        self._rows = rows
        self.head = QHBoxLayout()
        self.head.addWidget(caption(heading))
        self.sentence = Elided("", "muted", 0.9)
        self.head.addWidget(self.sentence, 1)
        self.button = QuietButton("", "table")
        self.button.setCheckable(True)
        self.button.setToolTip("Show as table")
        self.button.setAccessibleName(f"{heading}: show as table")
        self.button.toggled.connect(self._switch)
        self.head.addWidget(self.button)
        self.body.addLayout(self.head)
        self._stack = QStackedLayout()
        self._stack.addWidget(chart)
        self.table = QTableWidget(0, len(columns))
        self.table.setHorizontalHeaderLabels(list(columns))
        self.table.setAccessibleName(f"{heading} as table")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(em(1.6))
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._stack.addWidget(self.table)
        self.body.addLayout(self._stack, 1)

    def say(self, sentence: str) -> None:
        self.sentence.setText(sentence)

    def refresh_table(self) -> None:
        """Fill the table again if it is what is shown."""
        if not self.button.isChecked():
            return
        rows = self._rows()
        self.table.setRowCount(len(rows))
        for i, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(i, column, item)

    def _switch(self, table: bool) -> None:
        self.button.set_icon_name("chart" if table else "table")
        self.button.setToolTip("Show as chart" if table else "Show as table")
        self._stack.setCurrentIndex(1 if table else 0)
        self.refresh_table()
