"""The trust page's card of corrections, joined to where they are kept: shown when they change, taken away, brought back.

Everything that reads or writes the file is done off the GUI thread; the open plan follows through `Learning`.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app import background, calibrating
from app.pages.trust.page import TrustPage
from app.shell.learning import Learning
from planner.calibration.correction import Correction
from planner.calibration.said import name_of
from planner.problem import Problem


class Teaching(QObject):
    """`problem` carries what could not be written."""

    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, learning: Learning, page: TrustPage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._learning, self._page = learning, page
        learning.learned.connect(self._learned)
        page.taught.forget.connect(self._forget)
        page.taught.restore.connect(self._restore)

    def _learned(self, corrections: tuple[Correction, ...]) -> None:
        def show(what: dict[str, str]) -> None:
            if not self._page.left:
                self._page.taught.show_corrections(corrections, what)

        background.run(
            calibrating.observations,
            lambda seen: show({one.name: one.what for one, _ in seen}),
            lambda _damaged: show({}),  # stands in the machine's notes already
        )
        self._page.look_if_seen()

    def _forget(self, one: Correction) -> None:
        name = name_of(one)
        background.run(lambda: calibrating.forget(name), lambda _done: self._done(f"Removed {name}"), self._failed)

    def _restore(self, one: Correction) -> None:
        name = name_of(one)
        background.run(
            lambda: calibrating.restore(name), lambda _done: self._done(f"Brought back {name}"), self._failed
        )

    def _done(self, what: str) -> None:
        if self._page.left:
            return
        self.acted.emit(what)
        self._learning.refresh()

    def _failed(self, problem: Problem) -> None:
        if self._page.left:
            return
        self.problem.emit(problem)
        self._learning.refresh()
