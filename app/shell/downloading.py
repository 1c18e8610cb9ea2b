"""Fetching a model from the Hub for the open plan: its name is asked for, its size is told, and only a second press fetches.

The worker does it; here its words become a bar with a way to end it. What came is kept, so asking again goes on. What
lies unfinished on this computer comes here, too, with what is missing of it.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QInputDialog, QWidget

from app.job import Job, Order, Told
from app.widgets.activity_bar import ActivityBar
from app.widgets.problem_bar import ProblemBar
from planner.facts.model.folder_state import CachedModel
from planner.problem import Problem
from planner.run.jobs import DownloadSpec, write_job
from planner.run.results import load
from planner.run.transfer import OFFER, Offer, is_name, moved

FREE_UNITS = 1000  # of the bar: bytes of a model are more than a widget's whole numbers can hold


class Downloading(QObject):
    """`fetched` carries the folder of a model that is here now. One at a time."""

    acted = Signal(str)
    fetched = Signal(object)

    def __init__(self, bar: ActivityBar, problems: ProblemBar, parent: QWidget) -> None:
        super().__init__(parent)
        self._bar, self._problems, self._window = bar, problems, parent
        self._job = Job(self)
        self._job.told.connect(self._tell)
        self._job.done.connect(self._came)
        self._job.problem.connect(self._failed)
        self._job.ended.connect(self._ended)
        self._name = ""
        self._asked: Offer | None = None  # what a press of the button would fetch
        self._fetching = False

    @property
    def going_on(self) -> bool:
        return self._job.going_on

    def tell_unfinished(self, model: CachedModel) -> None:
        """A model that was picked and is not all here: what is so, and the way to the rest."""
        problem = Problem("model.unfinished", f"{model.name} cannot be used yet.", model.says)
        if is_name(model.name):
            self._problems.show_problem(problem, "Look at the download…", lambda: self.ask(model.name))
        else:
            self._problems.show_problem(problem)

    def ask(self, name: str = "") -> None:
        """Look at what would be fetched, and say it. Without a name the person is asked for one."""
        if self.going_on:
            self._problems.show_problem(
                Problem("download.under_way", f"{self._name} is being fetched.", "Wait for its end, or cancel it.")
            )
            return
        if not name:
            name, ok = QInputDialog.getText(self._window, "Download a model", "Its name on the Hub, owner/model:")
            if not ok or not name.strip():
                return
        self._name, self._asked, self._fetching = name.strip(), None, False
        self._problems.drop("download.")
        self._problems.drop("model.unfinished")
        self._bar.show_progress(f"Asking the Hub what {self._name} holds …", 0, 0, self._job.cancel)
        spec = DownloadSpec(self._name, look=True)
        self._job.start(Order("download", lambda folder: write_job(folder, spec), lambda f: load(Offer, f / OFFER)))

    def _fetch(self) -> None:
        offer = self._asked
        if offer is None or self.going_on:
            return
        self._fetching = True
        spec = DownloadSpec(offer.name, look=False, revision=offer.revision)
        folder = Path(offer.place) / f"models--{offer.name.replace('/', '--')}" / "snapshots" / offer.revision
        self._bar.show_progress(offer.sentence, 0, 0, self._job.cancel)
        self._job.start(Order("download", lambda run: write_job(run, spec), lambda _run: folder))

    def _tell(self, told: Told) -> None:
        found = moved(told.detail)
        if found is not None:
            done = round(found.done * FREE_UNITS / max(1, found.of))
            self._bar.show_progress(f"{self._name}: {found.sentence}", done, FREE_UNITS, self._job.cancel)

    def _came(self, result: Offer | Path) -> None:
        if isinstance(result, Offer):
            self._asked = result
        else:
            self._asked = None
            self.acted.emit(f"{self._name} is here")
            self.fetched.emit(result)

    def _failed(self, problem: Problem) -> None:
        name = self._name
        self._asked = None
        self._problems.show_problem(problem, "Try again", lambda: self.ask(name))

    def _ended(self) -> None:
        """Nothing goes on any more: either the offer stands, or there is nothing to show."""
        if self._asked is not None and not self._fetching:
            self._offer(self._asked)
            return
        if self._asked is not None:
            self.acted.emit(f"Stopped; what came of {self._name} is kept")
        self._asked, self._fetching = None, False
        self._bar.done()

    def _offer(self, offer: Offer) -> None:
        if offer.left_bytes == 0:
            self._bar.ask(f"{offer.sentence} All of it is here.", "Use it", self._fetch)
        else:
            self._bar.ask(offer.sentence, "Download", self._fetch)
        self._bar.text.setToolTip(offer.listed)
