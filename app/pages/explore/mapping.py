"""Context × batch of the plan that is looked at: worked out off the GUI thread, remembered for the techniques it is of."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app import background
from app.pages.explore.heat_map import HeatData
from app.pages.explore.looked import Looked
from planner.explore.context_map import ContextMap, context_map
from planner.plan import Plan
from planner.problem import Problem
from planner.units import words

NO_CELL = (-1, -1)


class Mapping(QObject):
    """`mapped` carries a `HeatData`, or None, and the cell of the plan; `waiting`: the one before is of another plan. One
    thread at a time, the last wish wins."""

    mapped = Signal(object, object)
    waiting = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looked: Looked | None = None
        self.map: ContextMap | None = None
        self._asked: Plan | None = None  # whose map is being worked out

    def show(self, looked: Looked | None) -> None:
        """The map around this plan; of the same techniques it stays, and only the plan's cell is another."""
        self._looked = looked
        if looked is None:
            self.map = None
            self.mapped.emit(None, NO_CELL)
        elif self.map is not None and _around(looked.plan) == _around(self.map.plan):
            self._tell()
        else:
            self.map = None
            self.waiting.emit()
            self._begin()

    def forget(self) -> None:
        """Nobody looks any more."""
        self._looked = None

    def _begin(self) -> None:
        if self._asked is None and self._looked is not None:
            plan = self._asked = self._looked.plan
            background.run(lambda: context_map(plan), self._done, lambda _problem: self._done(None))

    def _done(self, found: ContextMap | Problem | None) -> None:
        asked, self._asked = self._asked, None
        if self._looked is None or asked is None or self.map is not None:
            return
        if _around(self._looked.plan) != _around(asked):
            self._begin()
            return
        self.map = found if isinstance(found, ContextMap) else None
        self._tell()

    def _tell(self) -> None:
        found, looked = self.map, self._looked
        if found is None or looked is None:
            self.mapped.emit(None, NO_CELL)
            return
        data = HeatData(found.batches, found.contexts, found.low, found.peak, found.high, found.elsewhere)
        self.mapped.emit(data, _cell(found, looked))


def _cell(found: ContextMap, looked: Looked) -> tuple[int, int]:
    """Where the plan stands, if the cell's figure is the plan's: with shorter rows it needs less than its cell."""
    schedule = looked.plan.stage.schedule
    if schedule.micro_batch not in found.batches or schedule.max_length not in found.contexts:
        return NO_CELL
    row, column = found.batches.index(schedule.micro_batch), found.contexts.index(schedule.max_length)
    return (row, column) if words(int(found.peak[row, column])) == words(looked.peak) else NO_CELL


def _around(plan: Plan) -> tuple[object, ...]:
    """What the map follows from: all but batch and length."""
    schedule = plan.stage.schedule
    rows = schedule.micro_batch * schedule.grad_accumulation
    return plan.model, plan.data, plan.machine, plan.stage.choices, rows, schedule.completion_only, schedule.shuffle
