"""The middle card: every plan as a point, the same as a table, or two pinned plans beside each other; which cost is looked
at stands above, with the price that a person types.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QWidget

from app.pages.explore.marks import entries
from app.pages.explore.mini_ledger import MiniLedger
from app.pages.explore.pins import Pins
from app.pages.explore.points import ScatterData
from app.pages.explore.scatter import Scatter
from app.pages.explore.table import PlanTable
from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.combo import Combo
from app.widgets.fields import Number
from app.widgets.markers import Legend
from app.widgets.surface import Card, Elided, Words
from planner.explore.costs import Cost

CHART, TABLE, PINS = range(3)
MOST_PER_HOUR = 1e6


class ChartCard(Card):
    """`cost_picked` carries a cost's key, `price_set` a price per hour, `frontier_only` whether the table shows only those
    that no other beats."""

    cost_picked = Signal(str)
    price_set = Signal(float)
    frontier_only = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body.addLayout(self._head())
        self.legend = Legend()
        self.body.addWidget(self.legend)
        self.scatter, self.table, self.pins = Scatter(), PlanTable(), Pins()
        self.mini = MiniLedger(self.scatter)
        self._stack = QStackedLayout()
        self.body.addLayout(self._stack, 1)  # before it holds anything: a stack without a parent shows what it is given
        for widget in (self.scatter, self.table, self.pins):
            self._stack.addWidget(widget)
        self.show_view(CHART)

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(em(0.5))
        label = Words("Cost", "muted", 0.92)
        self.cost = Combo()
        self.cost.setAccessibleName("Cost")
        self.cost.setToolTip("What stands on the other axis")
        self.cost.setMinimumContentsLength(17)
        self.cost.picked.connect(self.cost_picked.emit)
        label.setBuddy(self.cost)
        self.price = Number(whole=False, minimum=0.0, maximum=MOST_PER_HOUR, unit="per hour")
        self.price.setAccessibleName("Price per hour")
        self.price.setToolTip(
            "What this machine costs in an hour, in whatever money: typed by you, kept on this computer"
        )
        self.price.entered.connect(lambda value: self.price_set.emit(float(value)))
        self.no_price = Elided("type a price per hour", "warn", 0.92)
        self.counted = Elided("", "muted", 0.9)
        self.counted.setAccessibleName("Rows of the table")
        self.only = QuietButton("")
        self.only.setCheckable(True)
        self.only.setAccessibleName("Only plans that no other beats")
        self.only.toggled.connect(self.frontier_only.emit)
        for widget in (label, self.cost, self.price, self.no_price):
            row.addWidget(widget)
        row.addWidget(self.counted, 1)
        row.addWidget(self.only)
        return row

    @property
    def view(self) -> int:
        return self._stack.currentIndex()

    def show_view(self, view: int) -> None:
        self._stack.setCurrentIndex(view)
        self.legend.setVisible(view == CHART)
        self.only.setVisible(view == TABLE)
        self.mini.hide()

    def show_costs(self, costs: Sequence[Cost], chosen: str, per_hour: float) -> None:
        if [self.cost.itemData(i) for i in range(self.cost.count())] != [cost.key for cost in costs]:
            self.cost.clear()
            for cost in costs:
                self.cost.add(cost.title, cost.key)
        self.cost.show_value(chosen)
        self.price.show_value(per_hour)
        self.price.setVisible(chosen == "money")
        self.no_price.setVisible(chosen == "money" and not per_hour)

    def show_points(self, data: ScatterData | None, counts: Sequence[int]) -> None:
        self.scatter.show_data(data)
        self.legend.show_entries(entries(data.groups, counts) if data is not None else [])

    def show_counted(self, words: str, *, frontier_only: bool) -> None:
        self.counted.setText(words)
        self.only.blockSignals(True)
        self.only.setChecked(frontier_only)
        self.only.blockSignals(False)
        self.only.setText("show all that pass" if frontier_only else "show only the best")
        self.only.updateGeometry()

    def set_stale(self, stale: bool) -> None:
        """What is of a plan as it was is seen to be so: paler."""
        for widget in (self.scatter, self.table, self.pins):
            widget.setEnabled(not stale)
        self.mini.hide()
