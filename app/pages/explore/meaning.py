"""Which plan is meant: pointed at, looked at, pinned, made the plan. It joins chart, table and detail on that, and knows no
document: a plan that shall be the plan goes out as a signal.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut

from app.pages.explore.answered import Told
from app.pages.explore.chart_card import ChartCard
from app.pages.explore.detail import Detail
from app.pages.explore.finding import Found
from app.pages.explore.foot import Foot
from app.pages.explore.looked import Meant, look_at
from app.pages.explore.mapping import Mapping
from app.pages.explore.state import ExploreState
from app.pages.explore.words import detail_of, mini_title, pinned_words
from planner.estimate import estimate
from planner.explore.answer import rows_in_words
from planner.plan import Plan


class Meaning(QObject):
    """`taken` carries a plan that shall be the plan; `acted` a sentence for the status bar."""

    taken = Signal(object)
    acted = Signal(str)

    def __init__(self, state: ExploreState, chart: ChartCard, detail: Detail, foot: Foot, parent: QObject) -> None:
        super().__init__(parent)
        self._state, self._chart, self._detail, self._foot = state, chart, detail, foot
        self.found: Found | None = None
        self.told: Told | None = None
        self.stale = True  # what is shown is of a plan as it was: nothing of it can be taken
        self.mapping = Mapping(self)
        self.mapping.mapped.connect(self._show_map)
        self.mapping.waiting.connect(detail.wait_for_map)
        chart.scatter.hovered.connect(self._hover)
        for source in (chart.scatter, chart.table):
            source.picked.connect(self.pick)
            source.taken.connect(self._take_row)
        chart.pins.taken.connect(self._take_pin)
        chart.pins.dropped.connect(lambda i: self._pin(i, None))
        for widget in (chart.scatter, chart.table):
            for key, do in (("A", lambda: self.pin(0)), ("B", lambda: self.pin(1)), ("Esc", self.look_at_answer)):
                QShortcut(QKeySequence(key), widget, do, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        detail.taken.connect(lambda: self._take(self.meant))
        detail.pinned.connect(self.pin)
        detail.other_picked.connect(self._look_at_other)
        detail.map_picked.connect(self._look_at_cell)

    @property
    def meant(self) -> Meant | None:
        """The plan looked at, else the answer's."""
        return self._state.meant or (self.told.meant if self.told else None)

    def wanted(self) -> tuple[Plan | None, ...]:
        """Plans to find again in what is explored next: the one looked at, and the pinned ones."""
        return tuple(one.looked.plan if one else None for one in (self._state.meant, *self._state.pins))

    # showing

    def show(self) -> None:
        """The detail, and the marks of chart and table."""
        if self.found is None:
            return
        shown, meant = detail_of(self._state, self.found, self.told), self.meant
        detail = self._detail
        detail.show_heading(shown.heading, shown.title, shown.sentence, shown.others)
        may_take = not self.stale and not shown.is_own
        detail.show_plan(shown.facts, shown.differences, shown.same, may_take=may_take)
        detail.show_learns(shown.learns)
        row = meant.row if meant else -1
        self._chart.scatter.select(row)
        self._chart.table.select(row if row >= 0 else None)
        self.mapping.show(meant.looked if meant else None)

    def show_pins(self) -> None:
        self._chart.scatter.pin(*self._state.pin_rows)
        self._chart.pins.show_pins(self._state.pins, may_take=not self.stale)
        self._foot.show_pins(pinned_words(self._state.pins))

    def _show_map(self, data: object, current: tuple[int, int]) -> None:
        of_map = self.mapping.map
        rows = rows_in_words(of_map.plan.data) if of_map is not None else ""
        self._detail.show_map(data, self.map_bytes, current, rows and f"{rows}.")  # type: ignore[arg-type]

    @property
    def map_bytes(self) -> int:
        """Where the load line goes through the map: as it stands, unless the map is of a plan on another machine."""
        explored, of_map = self._state.explored, self.mapping.map
        if explored is not None and of_map is not None and of_map.plan.machine != explored.space.plan.machine:
            return of_map.budget_bytes
        return self._state.budget_bytes if explored is not None else 0

    def _hover(self, row: int) -> None:
        explored, mini = self._state.explored, self._chart.mini
        if row < 0 or explored is None or self.stale:
            mini.hide()
            return
        one = estimate(explored.plan(row))
        mini.show_plan(mini_title(explored, row), self._state.cost_words(row), one, self._chart.scatter.point(row))

    # looking

    def pick(self, row: int) -> None:
        """Look at one of the explored plans."""
        if self.found is not None:
            self._state.pick(row)
            self.show()

    def look_at_answer(self) -> None:
        """At no single plan any more."""
        self._state.meant = None
        self._chart.scatter.point_at_nothing()
        self.show()

    def _look_at_other(self, place: int) -> None:
        if self.told is not None:
            self._state.meant = self.told.others[place][0]
            self.show()

    def _look_at_cell(self, row: int, column: int) -> None:
        if self.found is None or self.mapping.map is None:
            return
        plan = self.mapping.map.plan_of_cell(row, column)
        meant = look_at(self.found.explored, estimate(plan))
        if meant is not None:
            self._state.meant = meant
            self.show()

    def pin(self, i: int) -> None:
        """Keep the plan that is meant as A (0) or B (1)."""
        if self.meant is not None:
            self._pin(i, self.meant)
            self.acted.emit(f"Pinned as {'AB'[i]}: {self.meant.looked.name}")

    def _pin(self, i: int, meant: Meant | None) -> None:
        self._state.pin(i, meant)
        self.show_pins()

    # taking

    def _take_row(self, row: int) -> None:
        self.pick(row)
        self._take(self._state.meant)

    def _take_pin(self, i: int) -> None:
        self._take(self._state.pins[i])

    def _take(self, meant: Meant | None) -> None:
        if self.stale:
            self.acted.emit("Not taken: the plan has changed, and is being explored anew")
        elif meant is not None:
            self.taken.emit(meant.looked.plan)
