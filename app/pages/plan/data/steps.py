"""A change of the mapping as one step of the plan's history, also where the plan's data does not change with it yet.

A mapping is clicked together; before it is complete there are no rows to plan with. So a step carries what the drawer looks
at, and the plan's data where that changed too: rows that come of it once the file was read join the step that asked for them.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand

from app.document import Document
from app.pages.plan.data.source import Source
from planner.plan import Plan

_STEP_ID = 7


class MappingStep(QUndoCommand):
    """show: puts a source into the drawer. plans: before and after, where the plan's data changes."""

    def __init__(
        self,
        document: Document,
        show: Callable[[Source], None],
        sources: tuple[Source, Source],
        text: str,
        plans: tuple[Plan, Plan] | None = None,
    ) -> None:
        super().__init__(text)
        self._document, self._show, self.sources, self.plans = document, show, sources, plans

    def id(self) -> int:
        return _STEP_ID

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Only the rows that were read for this very step."""
        if not isinstance(other, MappingStep) or self.plans is not None or other.plans is None:
            return False
        if other.sources[0] != other.sources[1] or other.sources[0] != self.sources[1]:
            return False
        self.plans = other.plans
        return True

    def redo(self) -> None:
        if self.plans is not None:
            self._document.take(*self.plans)
        self._show(self.sources[1])

    def undo(self) -> None:
        if self.plans is not None:
            self._document.take(self.plans[1], self.plans[0])
        self._show(self.sources[0])
