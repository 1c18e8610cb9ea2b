"""The dialog behind *Other machine…*: a card of the catalogue, how many, RAM, disk and a name; with what the plan would be there.

It only says what was described; the page makes it the plan's machine, as one change that can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import background
from app.other_machines import (
    LONGEST_NAME,
    MOST_CARDS,
    MOST_DISK_GIB,
    MOST_RAM_GIB,
    OtherMachine,
    remember,
    size,
    text_of,
)
from app.pages.plan.picks import Pick, on_device
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.fields import Number, TextField
from app.widgets.pick_field import Entry, PickField
from app.widgets.surface import Words
from planner.estimate import estimate
from planner.facts.gpus import gpus
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.units import GIB, words

NO_CARD = "No GPU: the processor computes"


class MachineDialog(QDialog):
    """`described` carries the `OtherMachine`. on: the plan with a machine, for the line that says whether it would fit."""

    described = Signal(object)

    def __init__(self, on: Callable[[MachineFacts], Plan], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Other machine")
        self.setAccessibleName("Other machine")
        self._on = on
        self._task = background.Task()
        self.now = OtherMachine()
        self.card = PickField("Card")
        self.card.opening.connect(self._open_cards)
        self.card.picked.connect(lambda name: self._change(card=name))
        self.count = Number(whole=True, minimum=1, maximum=MOST_CARDS)
        self.ram = Number(whole=False, minimum=1, maximum=MOST_RAM_GIB, unit="GiB")
        self.disk = Number(whole=False, minimum=1, maximum=MOST_DISK_GIB, unit="GiB")
        self.name = TextField()
        self.name.setMaxLength(LONGEST_NAME)
        self.name.textChanged.connect(lambda text: self._change(name=" ".join(text.split())))
        fields: tuple[tuple[Number, str], ...] = (
            (self.count, "count"),
            (self.ram, "ram_gib"),
            (self.disk, "disk_gib"),
        )
        for field, part in fields:
            field.entered.connect(lambda value, part=part: self._change(**{part: value}))
        self.source = Words("", "muted", 0.9, wrap=True)
        self.source.setAccessibleName("Where the figures come from")
        self.verdict = Words("", "text", 1.0, wrap=True)
        self.verdict.setAccessibleName("This plan on that machine")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(1.2), em(1.0), em(1.2), em(1.0))
        layout.setSpacing(em(0.7))
        layout.addLayout(self._grid())
        layout.addWidget(self.source)
        layout.addWidget(self.verdict)
        layout.addStretch(1)
        layout.addLayout(self._buttons())
        self.setMinimumWidth(em(34))
        self.show_machine(self.now)

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(0.8))
        grid.setVerticalSpacing(em(0.4))
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget, str], ...] = (
            ("&Card", self.card, "From the catalogue; type a name or a size, such as 4090 or 24 GB"),
            ("&Number of cards", self.count, "A plan computes on one of them"),
            ("&RAM", self.ram, "All of it counts as free"),
            ("&Free disk", self.disk, "For checkpoints and what a run leaves"),
            ("Na&me", self.name, "What this machine is called in the plan"),
        )
        for row, (text, field, tip) in enumerate(rows):
            label = QLabel(text)
            label.setBuddy(field)
            plain = text.replace("&", "")
            field.setAccessibleName(plain)
            field.setToolTip(tip)
            field.setWhatsThis(tip)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        return grid

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch(1)
        self.cancel = Button("Cancel")
        self.cancel.clicked.connect(self.reject)
        self.take = Button("&Plan for it", primary=True)
        self.take.setAccessibleName("Plan for it")
        self.take.setDefault(True)
        self.take.clicked.connect(self._take)
        row.addWidget(self.cancel)
        row.addWidget(self.take)
        return row

    def show_machine(self, machine: OtherMachine) -> None:
        """Start from a description."""
        self.now = machine
        self.count.show_value(machine.count)
        self.ram.show_value(machine.ram_gib)
        self.disk.show_value(machine.disk_gib)
        self.name.setText(machine.name)
        self._show()

    def leave(self) -> None:
        """Whoever waits for a verdict is gone."""
        self._task.cancel()

    def _change(self, **parts: Any) -> None:
        changed = replace(self.now, **parts)
        if changed != self.now:
            self.now = changed
            self._show()

    def _show(self) -> None:
        now = self.now
        made = now.facts()
        card = made.devices[0] if now.card else None
        self.card.say(card.name if card else NO_CARD, words(card.total_bytes) if card else "")
        self.count.setEnabled(card is not None and not now.unified)
        self.ram.setEnabled(not now.unified)
        if now.unified:
            self.ram.show_value(made.ram_total_bytes / GIB)
        self.name.setPlaceholderText(replace(now, name="").facts().name)
        self.source.setText(" ".join(made.notes))
        self._task.cancel()
        self._task = background.run(lambda: estimate(self._on(made)).reason, self.verdict.setText)

    def _open_cards(self) -> None:
        cards = sorted((g for g in gpus() if g.kind), key=lambda g: (g.vendor, g.memory_bytes, g.name))
        self.card.list.show_entries(
            [
                Entry(NO_CARD, ""),
                Entry("Cards", heading=True),
                *(Entry(g.name, g.name, f"{size(g.memory_bytes / GIB).removesuffix(' GiB')} GB") for g in cards),
            ]
        )

    def _take(self) -> None:
        self.described.emit(self.now)
        self.accept()

    def done(self, result: int) -> None:
        self.leave()
        super().done(result)


def describe(plan: Plan, parent: QWidget, take: Callable[[Pick], None]) -> MachineDialog:
    """Ask for another machine; `take` gets the pick of what was described, which is kept for the next time."""
    dialog = MachineDialog(lambda machine: on_device(replace(plan, machine=machine), machine.devices[0].id), parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)

    def taken(described: OtherMachine) -> None:
        background.run(lambda: remember(described), lambda _done: None)
        take(Pick("described", text_of(described)))

    dialog.described.connect(taken)
    dialog.open()
    dialog.card.setFocus()
    return dialog
