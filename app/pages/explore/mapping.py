"""Context × batch of the plan that is looked at: worked out off the GUI thread, remembered for the techniques it is of."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app import background
from app.pages.explore.heat_map import HeatData
from planner.explore.context_map import ContextMap, context_map
from planner.plan import Plan
from planner.problem import Problem


class Mapping(QObject):
    """`mapped` carries a `HeatData`, or None, and the cell of the plan."""

    mapped = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._plan: Plan | None = None
        self.map: ContextMap | None = None
        self._task = background.Task()

    def show(self, plan: Plan | None) -> None:
        """The map around this plan; of the same techniques it stays, and only the plan's cell is another."""
        before, self._plan = self._plan, plan
        self._task.cancel()
        if plan is None:
            self.map = None
            self.mapped.emit(None, (-1, -1))
        elif self.map is not None and before is not None and _around(plan) == _around(self.map.plan):
            self._tell()
        else:
            self._task = background.run(lambda: context_map(plan), self._done)

    def forget(self) -> None:
        """Nobody looks any more."""
        self._task.cancel()

    def _done(self, found: ContextMap | Problem) -> None:
        self.map = found if isinstance(found, ContextMap) else None
        self._tell()

    def _tell(self) -> None:
        found, plan = self.map, self._plan
        if found is None or plan is None:
            self.mapped.emit(None, (-1, -1))
            return
        data = HeatData(found.batches, found.contexts, found.low, found.peak, found.high, found.elsewhere)
        schedule = plan.stage.schedule
        row = found.batches.index(schedule.micro_batch) if schedule.micro_batch in found.batches else -1
        column = found.contexts.index(schedule.max_length) if schedule.max_length in found.contexts else -1
        self.mapped.emit(data, (row, column) if min(row, column) >= 0 else (-1, -1))


def _around(plan: Plan) -> tuple[object, ...]:
    """What the map follows from: all but batch and length."""
    schedule = plan.stage.schedule
    rows = schedule.micro_batch * schedule.grad_accumulation
    return plan.model, plan.data, plan.machine, plan.stage.choices, rows, schedule.completion_only, schedule.shuffle
