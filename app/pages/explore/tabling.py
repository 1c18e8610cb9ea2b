"""The table joined to the state: which plans it shows, in which order, with the one that is meant chosen."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.pages.explore.chart_card import TABLE, ChartCard
from app.pages.explore.meaning import Meaning
from app.pages.explore.state import ExploreState


class Tabling(QObject):
    """Rows are put in order only while they are seen."""

    def __init__(self, state: ExploreState, chart: ChartCard, meaning: Meaning, parent: QObject) -> None:
        super().__init__(parent)
        self._state, self._chart, self._meaning = state, chart, meaning
        chart.table.ordered.connect(self._order)
        chart.frontier_only.connect(self._frontier_only)

    def show(self) -> None:
        state, meant = self._state, self._meaning.meant
        if self._chart.view != TABLE or state.explored is None:
            return
        rows, counted = state.table_rows()
        row = meant.row if meant and meant.row >= 0 else None
        self._chart.table.show_rows(state.columns, rows.tolist(), row, state.column, falling=state.falling)
        self._chart.show_counted(counted, frontier_only=state.frontier_only)

    def _order(self, column: int, falling: bool) -> None:
        self._state.order(column, falling=falling)
        self.show()

    def _frontier_only(self, only: bool) -> None:
        self._state.frontier_only = only
        self.show()
