"""The list of the model field: on this computer, embedded, catalogue, and the ways to something else; with size and fit.

It opens at once with what is known; what lies on this computer and how each would fit is found off the GUI thread.
"""

from __future__ import annotations

from app import background
from app.pages.plan.choices import Fit, fits
from app.pages.plan.local_models import LocalEntry, entries, local_models
from app.pages.plan.picks import Pick, model_plans, plan_with_model
from app.widgets.pick_field import Entry, PickField
from planner.facts.model import catalogue
from planner.facts.model.folder_state import CachedModel
from planner.plan import Plan
from planner.problem import ProblemError
from planner.run.home import EXAMPLE_MODEL
from planner.run.transfer import is_name
from planner.units import words

DOWNLOAD, BROWSE, BROWSE_FILE = "download", "browse", "browse_file"


class ModelMenu:
    """Fills one field's list. found: what lay on this computer when it was opened last, by name."""

    def __init__(self, field: PickField) -> None:
        self._field = field
        self._opened = 0
        self.found: dict[str, CachedModel] = {}

    def open(self, plan: Plan) -> None:
        """The list for this plan; marks come when they are known, unless it was opened anew meanwhile."""
        self._opened += 1
        opened = self._opened
        names = catalogue.names()
        here = Pick("embedded")
        rest = [
            Entry("Embedded", heading=True),
            Entry(EXAMPLE_MODEL, here, "comes with the program"),
            Entry("Catalogue: plan by shape", heading=True),
            *(Entry(n, Pick("catalogue", n)) for n in names),
            Entry("Another one", heading=True, always=True),
            Entry("Other folder…", Pick(BROWSE), "a model or an adapter", always=True),
            Entry("Other .gguf file…", Pick(BROWSE_FILE), "converted when it is run", always=True),
            Entry(
                "Download by Hub name…", Pick(DOWNLOAD), "type owner/model above; its size is told first", always=True
            ),
        ]
        self._field.list.show_entries(rest)

        def with_local(found: tuple[CachedModel, ...]) -> None:
            if opened != self._opened:
                return
            self.found = {m.name: m for m in found}
            local = entries(found)
            if local:
                self._field.list.show_entries([Entry("On this computer", heading=True), *map(_shown, local), *rest])
            background.run(lambda: _priced_here(plan, local), mark)
            background.run(lambda: _priced(plan, names), mark)

        def mark(found: dict[Pick, tuple[str, str]]) -> None:
            if opened == self._opened:
                self._field.list.mark(found)

        background.run(local_models, with_local)

    def meant(self, pick: Pick) -> Pick:
        """A pick with what was typed: the name to download."""
        typed = self._field.list.search.text().strip()
        return Pick(DOWNLOAD, typed) if pick.kind == DOWNLOAD and is_name(typed) else pick


def _shown(entry: LocalEntry) -> Entry:
    return Entry(entry.label, entry.pick, entry.detail, entry.tone, entry.reason, tip=entry.tip)


def _priced(plan: Plan, names: tuple[str, ...]) -> dict[Pick, tuple[str, str]]:
    picks = [Pick("catalogue", n) for n in names]
    found = zip(picks, fits(model_plans(plan, names)), strict=True)
    return {
        pick: (f"{words(fit.need)} · {fit.word}" if fit.need is not None else fit.word, fit.tone) for pick, fit in found
    }


def _priced_here(plan: Plan, local: list[LocalEntry]) -> dict[Pick, tuple[str, str]]:
    """Each with the size on the disk and the fit; what cannot be read after all says so."""
    marks = {}
    for entry in local:
        if entry.reason or entry.pick.kind != "folder":
            continue
        try:
            (fit,) = fits([plan_with_model(plan, entry.pick)])
        except ProblemError as error:
            fit = Fit("cannot be planned", "muted", None)
            marks[entry.pick] = (f"{entry.detail} · {error.problem.fact}", fit.tone)
            continue
        need = f"needs {words(fit.need)} · " if fit.need is not None else ""
        marks[entry.pick] = (f"{entry.detail} · {need}{fit.word}", fit.tone)
    return marks
