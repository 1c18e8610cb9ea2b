"""The first part of the form: which model, which data, which machine. Long lists open searchable and are read elsewhere.

It only says what was picked; the page fetches the facts off the GUI thread and changes the document.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app import background
from app.other_machines import OtherMachine, recent, text_of
from app.pages.plan.choices import Fit, fits
from app.pages.plan.model_menu import ModelMenu
from app.pages.plan.picks import Pick, machine_plans, params_words
from app.pages.plan.state import data_bins, data_sentence, machine_sentence, model_sentence
from app.shown import wrapped_between
from app.theme import em
from app.widgets.combo import Combo
from app.widgets.histogram import Histogram
from app.widgets.link import LinkButton
from app.widgets.option_form import FormRow
from app.widgets.pick_field import Entry, PickField
from app.widgets.surface import Words
from planner.estimate import Estimate, device_of
from planner.facts.gpus import gpus
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.units import words


class WhatPanel(QWidget):
    """Model, data and machine. Each signal carries a `Pick`."""

    model_picked = Signal(object)
    data_picked = Signal(object)
    machine_picked = Signal(object)
    rows_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now: Estimate | None = None
        self._here: MachineFacts | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(0.3))
        grid.setVerticalSpacing(em(0.3))
        layout.addLayout(grid)

        self.model = PickField("Model")
        self.model.opening.connect(self._open_models)
        self.models = ModelMenu(self.model)
        self.model.picked.connect(lambda pick: self.model_picked.emit(self.models.meant(pick)))
        self.data = Combo()
        self.data.picked.connect(self.data_picked.emit)
        self.machine = PickField("Machine")
        self.machine.opening.connect(self._open_machines)
        self.machine.picked.connect(self.machine_picked.emit)
        self.model_words = Words("", "muted", 0.9, wrap=True)
        self.model_words.setAccessibleName("About the model")
        self.data_words = Words("", "muted", 0.9, wrap=True)
        self.machine_words = Words("", "muted", 0.9, wrap=True)
        self.histogram = Histogram()
        self.look = LinkButton("Look at the rows…", size=0.9)
        self.look.setAccessibleName("Look at the rows…")
        self.look.setToolTip("First rows, columns, faults, lengths and the first batch (Ctrl+Shift+D)")
        self.look.clicked.connect(self.rows_wanted.emit)

        self.rows = (
            FormRow(
                "Model", "Which model is trained; only shapes are needed to plan, weights only to run.", self.model
            ),
            FormRow("Data", "Rows to train on: JSONL, JSON, CSV, Parquet, a datasets folder or plain text.", self.data),
            FormRow("Machine", "Where the run would compute. Planning for another machine is as good.", self.machine),
        )
        self.rows[0].put(grid, 0)
        grid.addWidget(self.model_words, 1, 2)
        self.rows[1].put(grid, 2)
        grid.addWidget(self.histogram, 3, 2)
        grid.addWidget(self.data_words, 4, 2)
        grid.addWidget(self.look, 5, 2)
        self.rows[2].put(grid, 6)
        grid.addWidget(self.machine_words, 7, 2)
        grid.setColumnStretch(2, 1)

    def show_drawer(self, on: bool) -> None:
        """Whether the rows are being looked at."""
        self.look.setText("Close the rows" if on else "Look at the rows…")
        self.look.setAccessibleName(self.look.text())
        self.look.updateGeometry()

    def show_here(self, here: MachineFacts) -> None:
        """This computer as last probed."""
        self._here = here

    def show_estimate(self, now: Estimate, changed: dict[str, bool], defaults: dict[str, str]) -> None:
        plan = self._now_plan(now)
        self.model.say(plan.model.name, params_words(plan.model.params))
        self.model_words.setText(wrapped_between(model_sentence(plan.model)))
        self.model_words.setVisible(bool(self.model_words.text()))
        self._show_data(plan)
        device = device_of(plan)
        here = self._here is not None and plan.machine.name == self._here.name
        name = device.name if device else plan.machine.name
        if here and device and device.kind == "cpu":
            name = "This computer"
        if not here and device and plan.machine.name != f"a computer with one {device.name}":
            name = plan.machine.name
        self.machine.say(name, words(device.total_bytes) if device else "")
        self.machine_words.setText(wrapped_between(machine_sentence(plan, here=here)))
        self.machine_words.setToolTip("\n".join(plan.machine.notes))
        self.model.setToolTip(plan.model.provenance)
        for row, part in zip(self.rows, ("model", "data", "machine"), strict=True):
            row.show_changed(changed[part], defaults[part])

    def _now_plan(self, now: Estimate) -> Plan:
        self._now = now
        return now.plan

    def _show_data(self, plan: Plan) -> None:
        self.data.clear()
        self.data.add("Sample questions", Pick("sample"), "comes with the program")
        if not Pick("sample").is_data_of(plan):
            self.data.add(plan.data.name, Pick("file", plan.data.path), _where(plan.data.path))
        self.data.add("Open a file…", Pick("browse"), "JSONL, JSON, CSV, Parquet, text")
        self.data.add("Open a folder…", Pick("browse_folder"), "saved by datasets")
        self.data.setCurrentIndex(0 if Pick("sample").is_data_of(plan) else 1)
        self.data.say("1 row" if plan.data.rows == 1 else f"{plan.data.rows:,} rows")
        self.data_words.setText(wrapped_between(data_sentence(plan)))
        self.histogram.show_bins(data_bins(plan))

    # menus

    def _open_models(self) -> None:
        assert self._now is not None
        self.models.open(self._now.plan)

    def _open_machines(self) -> None:
        """At once with what is known, then with the machines that were described before."""
        self._show_machines([])
        background.run(recent, lambda found: self._show_machines(found) if found else None)

    def _show_machines(self, described: list[OtherMachine]) -> None:
        assert self._now is not None
        plan, here = self._now.plan, self._here
        entries: list[Entry] = []
        if here is not None:
            entries.append(Entry("This computer", heading=True))
            for device in here.devices:
                free = f"{words(device.free_bytes)} free of {words(device.total_bytes)}"
                entries.append(Entry(device.name, Pick("here", device.id), free))
        entries.append(Entry("Another computer", heading=True))
        entries.append(Entry("Other machine…", Pick("other"), "with figures of your own"))
        for one in described:
            made = one.facts()
            entries.append(Entry(made.name, Pick("described", text_of(one)), words(made.devices[0].total_bytes)))
        entries.append(Entry("Another computer, with one", heading=True))
        cards = [card for card in gpus() if card.kind]
        entries += [Entry(card.name, Pick("gpu", card.name), words(card.usable_bytes)) for card in cards]
        self.machine.list.show_entries(entries)
        shown = {e.value: e.detail for e in entries if not e.heading and e.value != Pick("other")}
        picks = list(shown)

        def priced() -> list[tuple[Pick, Fit]]:
            return list(zip(picks, fits(machine_plans(plan, here, picks)), strict=True))

        def mark(found: list[tuple[Pick, Fit]]) -> None:
            self.machine.list.mark({pick: (f"{shown[pick]} · {fit.word}", fit.tone) for pick, fit in found})

        background.run(priced, mark)


def _where(path: str) -> str:
    """The folder of a file of rows; a plan may know how long rows are without having them."""
    return str(Path(path).parent) if path else "not on this computer"


def _mark(fit: Fit) -> tuple[str, str]:
    return (f"{words(fit.need)} · {fit.word}" if fit.need is not None else fit.word, fit.tone)
