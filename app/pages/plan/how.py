"""The second part of the form: one answer per slot with its options, and the schedule; all generated, none by hand.

Entries are priced when a menu opens. What the panel shows always comes from the one estimate it is given.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.pages.plan.choices import Offer, need_bytes, option_offers, technique_offers
from app.pages.plan.edits import SCHEDULE, default_options, label_of, options_of, signed
from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.combo import Combo
from app.widgets.option_form import FormRow, OptionForm
from planner.estimate import Estimate, estimate
from planner.options import described
from planner.plan import Stage
from planner.slots import QUESTIONS, Slot
from planner.techniques.registry import of_slot

ELSEWHERE = {Slot.PLACEMENT: ("device",)}  # fields that the Machine row sets


def has_choice(slot: Slot) -> bool:
    """Whether a slot leaves anything to choose: another technique, or an option that has no place elsewhere."""
    techniques = of_slot(slot)
    options = {f.name for t in techniques for f, _d in described(t.Options)} - set(ELSEWHERE.get(slot, ()))
    return len(techniques) > 1 or bool(options)


def fill(combo: Combo, offers: list[Offer]) -> None:
    """Put prices and reasons to a menu's entries."""
    by_value = {o.value: o for o in offers}
    for row in range(combo.count()):
        found = by_value.get(combo.itemData(row))
        if found:
            combo.describe(row, found.difference, found.tone, found.reason)


class SlotRow(QWidget):
    """One slot's question, its answer, and the answer's options below."""

    technique_picked = Signal(str)
    option_set = Signal(str, object)

    def __init__(self, slot: Slot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slot = slot
        self._now: Estimate | None = None
        self._default = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.22))
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(0.3))
        layout.addLayout(grid)
        self.combo = Combo()
        for t in of_slot(slot):
            self.combo.add(t.label, t.name)
        self.combo.opening.connect(self._price)
        self.combo.picked.connect(lambda name: self.technique_picked.emit(name))
        self.row = FormRow(QUESTIONS[slot], "", self.combo)
        self.row.back.clicked.connect(lambda: self.technique_picked.emit(self._default))
        self.row.put(grid, 0)
        self.form = OptionForm(indent=0.9, hidden=ELSEWHERE.get(slot, ()))
        self.form.changed.connect(lambda name, value: self.option_set.emit(name, value))
        self.form.opening.connect(self._price_option)
        layout.addWidget(self.form)

    def show_estimate(self, now: Estimate, baseline: Stage) -> None:
        self._now = now
        choice, start = now.plan.stage.choice(self.slot), baseline.choice(self.slot)
        if choice is None:
            self.combo.show_value(None)
            return
        self.combo.show_value(choice.technique)
        chosen = next((t for t in of_slot(self.slot) if t.name == choice.technique), None)
        text = f"{chosen.summary}\n{chosen.reference}" if chosen else ""
        self.combo.setToolTip(text)
        self.row.label.setToolTip(text)
        self.combo.setAccessibleDescription(chosen.summary if chosen else "")
        changed = start is not None and start.technique != choice.technique
        self._default = start.technique if start else choice.technique
        self.row.show_changed(changed, label_of(start))
        self._say_difference(now, baseline, changed)
        self.form.show_options(choice.options, default_options(baseline, now.plan, self.slot))

    def _say_difference(self, now: Estimate, baseline: Stage, changed: bool) -> None:
        """What a changed answer saves or costs against the answer the plan started with."""
        start = baseline.choice(self.slot)
        if not changed or start is None:
            self.combo.say("")
            return
        then, need = need_bytes(estimate(now.plan.with_choice(start))), need_bytes(now)
        if then is None or need is None:
            self.combo.say("")
        else:
            self.combo.say(signed(need - then), "good" if need < then else "bad" if need > then else "muted")

    def _price(self) -> None:
        if self._now is not None:
            fill(self.combo, technique_offers(self._now, self.slot))

    def _price_option(self, field: str, combo: Any) -> None:
        if self._now is not None:
            options = options_of(self._now.plan, self.slot)
            fill(combo, option_offers(self._now, self.slot, field, options))


class HowPanel(QWidget):
    """Every slot that has techniques, in order. `technique_picked` carries (slot, name), `option_set` (where, field, value)."""

    technique_picked = Signal(object, str)
    option_set = Signal(object, str, object)

    def __init__(self, slots: tuple[Slot, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.22))
        self.rows = {slot: SlotRow(slot) for slot in slots}
        self._settled = [slot for slot in slots if not has_choice(slot)]
        for slot, row in self.rows.items():
            row.technique_picked.connect(lambda name, s=slot: self.technique_picked.emit(s, name))
            row.option_set.connect(lambda name, value, s=slot: self.option_set.emit(s, name, value))
            layout.addWidget(row)
        self.fold = QuietButton("", "chevron_right")
        self.fold.setCheckable(True)
        self.fold.setAccessibleName("Questions with one answer")
        self.fold.toggled.connect(self._show_settled)
        layout.addWidget(self.fold)
        self._show_settled(False)

    def _show_settled(self, on: bool) -> None:
        """Questions that leave nothing to choose are folded away, so that those that do stand together."""
        self.fold.setVisible(bool(self._settled))
        self.fold.set_icon_name("chevron_down" if on else "chevron_right")
        names = ", ".join(QUESTIONS[slot].lower() for slot in self._settled)
        self.fold.setText("Fewer questions" if on else f"With one answer: {names}")
        for slot in self._settled:
            self.rows[slot].setVisible(on)

    def show_estimate(self, now: Estimate, baseline: Stage) -> None:
        for row in self.rows.values():
            row.show_estimate(now, baseline)


class SchedulePanel(QWidget):
    """How long and how much at once: the schedule's form."""

    option_set = Signal(object, str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now: Estimate | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.form = OptionForm()
        self.form.changed.connect(lambda name, value: self.option_set.emit(SCHEDULE, name, value))
        self.form.opening.connect(self._price)
        layout.addWidget(self.form)

    def show_estimate(self, now: Estimate, baseline: Stage) -> None:
        self._now = now
        self.form.show_options(now.plan.stage.schedule, baseline.schedule)

    def _price(self, field: str, combo: Any) -> None:
        if self._now is not None:
            fill(combo, option_offers(self._now, SCHEDULE, field, self._now.plan.stage.schedule))
