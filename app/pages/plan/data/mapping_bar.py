"""Mapping by clicks: what the rows are, and for each part the column that holds it, with an example of what stands there.

It shows a mapping and tells what a person chose; it changes nothing itself.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.pages.plan.data.source import FORM_WORDS
from app.theme import em
from app.widgets.combo import Combo
from app.widgets.flow import Flow
from app.widgets.surface import Words
from planner.facts.mapping import FORMS, ROLES, Mapping
from planner.facts.preview import Column


class _Labelled(QWidget):
    """A combo with its small label over it."""

    def __init__(self, label: str, name: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(0.1))
        words = Words(label, "muted", 0.85)
        self.combo = Combo()
        self.combo.setAccessibleName(name)
        self.combo.setMinimumWidth(em(13))
        self.combo.setMaximumWidth(em(24))
        words.setBuddy(self.combo)
        column.addWidget(words)
        column.addWidget(self.combo)


class MappingBar(QWidget):
    """`form_chosen(form)`, `column_chosen(role, column)`; the column is empty where a person wants none."""

    form_chosen = Signal(str)
    column_chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = Flow(self)
        self._form = _Labelled("Rows are", "Rows are")
        self._form.combo.setMinimumWidth(em(16))
        for form in FORMS:
            self._form.combo.add(FORM_WORDS[form], form)
        self._form.combo.picked.connect(self.form_chosen.emit)
        self._flow.addWidget(self._form)
        self.roles: dict[str, Combo] = {}
        self._boxes: list[_Labelled] = []
        self._built: tuple[str, tuple[Column, ...]] = ("", ())
        self.shown: Mapping | None = None

    def show_mapping(self, mapping: Mapping, columns: tuple[Column, ...]) -> None:
        self.shown = mapping
        self._form.combo.show_value(mapping.form)
        self._form.combo.say("" if mapping.form else "choose", "warn")
        if self._built != (mapping.form, columns):
            self._build(mapping.form, columns)
        for role in ROLES.get(mapping.form, ()):
            combo = self.roles[role.name]
            chosen = mapping.column(role.name)
            combo.show_value(chosen)
            combo.say("" if chosen or not role.required else "choose", "warn")

    def _build(self, form: str, columns: tuple[Column, ...]) -> None:
        self._built = (form, columns)
        for box in self._boxes:
            self._flow.removeWidget(box)
            box.hide()
            box.deleteLater()
        self._boxes, self.roles = [], {}
        for role in ROLES.get(form, ()):
            box = _Labelled(role.name.capitalize() + ("" if role.required else " (if any)"), f"Column of {role.name}")
            if not role.required:
                box.combo.add("none", "")
            for column in columns:
                box.combo.add(column.name, column.name, column.example[:40])
            box.combo.picked.connect(lambda column, role=role.name: self.column_chosen.emit(role, column))
            self.roles[role.name] = box.combo
            self._boxes.append(box)
            self._flow.addWidget(box)
            box.show()
        self.updateGeometry()
