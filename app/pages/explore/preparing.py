"""Has the scatter's picture made off the GUI thread: one at a time, the last wish wins, nothing for a chart that is gone.

It knows nothing of how a picture is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize
from shiboken6 import isValid

from app import background
from app.pages.explore.picture import Look, Prepared, prepare
from app.pages.explore.points import ScatterData
from planner.problem import Problem


@dataclass(frozen=True, eq=False)
class Wish:
    """What a picture is asked for."""

    data: ScatterData
    size: QSize
    ratio: float
    look: Look

    def is_met_by(self, made: Prepared | None) -> bool:
        return (
            made is not None
            and made.data is self.data
            and made.size == self.size
            and made.ratio == self.ratio
            and made.look == self.look
        )


class Preparing:
    """owner: the chart; take: who is told of each picture, wanted still or not."""

    def __init__(self, owner: object, take: Callable[[Prepared], None]) -> None:
        self._owner, self._take = owner, take
        self._under_way: Wish | None = None
        self._next: Wish | None = None

    def ask(self, wish: Wish) -> None:
        if self._under_way is None:
            self._begin(wish)
        else:
            self._next = wish

    def _begin(self, wish: Wish) -> None:
        self._under_way, self._next = wish, None
        background.run(lambda: prepare(wish.data, wish.size, wish.ratio, wish.look), self.arrived, self._failed)

    def arrived(self, made: Prepared) -> None:
        """A picture is ready."""
        if not isValid(self._owner):
            return
        self._under_way, wish = None, self._next
        if wish is not None and not wish.is_met_by(made):
            self._begin(wish)
        self._take(made)

    def _failed(self, _problem: Problem) -> None:
        """It is in the log; the chart stays as it was."""
        self._under_way = None
