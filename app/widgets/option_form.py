"""The one generator of forms: rows for whatever `planner.options.described` says an options dataclass has.

No technique has a form of its own. A changed value carries a mark at the left and "back to default" at the right;
advanced options are folded away, and unfold by themselves where one of them was changed.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from app.shown import shown_value
from app.theme import colour, em
from app.widgets.buttons import QuietButton
from app.widgets.combo import Combo
from app.widgets.fields import Number, TextField
from app.widgets.surface import Words, painter_on
from planner.options import Described, described

LABEL_WIDTH = 8.4  # em, so that every form on a page has its fields under each other
WIDEST = 2.0**53  # largest whole number a spin box holds exactly


class Mark(QWidget):
    """The bar at the left of a changed value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.on = False
        self.setFixedWidth(em(0.3))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_on(self, on: bool) -> None:
        self.on = on
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.on:
            p = painter_on(self)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(colour("accent"))
            p.drawRoundedRect(QRectF(0, 3, 3, self.height() - 6), 1.5, 1.5)


class FormRow:
    """The parts of one row: mark, label (the editor's buddy), editor, and "back to default"."""

    def __init__(self, label: str, help_text: str, editor: QWidget, *, indent: float = 0.0) -> None:
        self.mark = Mark()
        self.label = Words(label, "muted")
        self.label.setBuddy(editor)
        self.label.setToolTip(help_text)
        self.label.setFixedWidth(em(LABEL_WIDTH))
        self.label.setContentsMargins(em(indent), 0, 0, 0)
        self.editor = editor
        editor.setAccessibleName(label)
        editor.setAccessibleDescription(help_text)
        editor.setToolTip(help_text)
        self.back = QuietButton("", "undo")
        self.back.setAccessibleName(f"{label} back to default")
        self.back.setFixedSize(QSize(em(1.5), em(1.6)))
        self.back.hide()

    def widgets(self) -> tuple[QWidget, ...]:
        return (self.mark, self.label, self.editor, self.back)

    def put(self, grid: QGridLayout, row: int) -> None:
        for column, widget in enumerate(self.widgets()):
            grid.addWidget(widget, row, column)
        grid.setColumnStretch(2, 1)
        grid.setColumnMinimumWidth(3, em(1.5))  # room for "back to default", so that fields do not jump

    def show_changed(self, changed: bool, default: str) -> None:
        self.mark.show_on(changed)
        self.back.setVisible(changed)
        self.back.setToolTip(f"Back to {default}")
        self.back.setAccessibleDescription(f"Back to {default}")

    def set_visible(self, visible: bool) -> None:
        for widget in (self.mark, self.label, self.editor):
            widget.setVisible(visible)
        self.back.setVisible(visible and self.mark.on)


class OptionForm(QWidget):
    """A form for one options instance. `changed` carries (field name, value); `opening` a combo about to open."""

    changed = Signal(str, object)
    opening = Signal(str, object)

    def __init__(self, parent: QWidget | None = None, *, indent: float = 0.0, hidden: tuple[str, ...] = ()) -> None:
        super().__init__(parent)
        self._indent = indent
        self._hidden = hidden  # fields that have a place of their own on the page
        self._kind: type[Any] | None = None
        self._rows: dict[str, tuple[FormRow, Described]] = {}
        self._options: Any = None
        self._defaults: Any = None
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(em(0.15))
        self._holder: QWidget | None = None
        self.fold = QuietButton("", "chevron_right")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._show_folds)
        outer.addWidget(self.fold)

    def editor(self, field: str) -> QWidget:
        return self._rows[field][0].editor

    def show_options(self, options: Any, defaults: Any) -> None:
        """Show these values against those defaults; rows are rebuilt only for another kind of options."""
        self._options, self._defaults = options, defaults
        if type(options) is not self._kind:
            self._build(options)
        for name, (row, d) in self._rows.items():
            value, default = getattr(options, name), getattr(defaults, name, getattr(options, name))
            _show(row.editor, value)
            row.show_changed(value != default, shown_value(default, d.choices))
        advanced = [(row, d) for row, d in self._rows.values() if d.advanced]
        if any(row.mark.on for row, _d in advanced) and not self.fold.isChecked():
            self.fold.setChecked(True)
        self._show_folds()

    def _build(self, options: Any) -> None:
        self._kind = type(options)
        self._rows = {}
        if self._holder is not None:
            self._holder.setParent(None)
            self._holder.deleteLater()
        self._holder = QWidget(self)
        grid = QGridLayout(self._holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(0.3))
        grid.setVerticalSpacing(em(0.22))
        hints = typing.get_type_hints(self._kind)
        shown = [(f, d) for f, d in described(options) if f.name not in self._hidden]
        ordered = [x for x in shown if not x[1].advanced] + [x for x in shown if x[1].advanced]
        for i, (field, d) in enumerate(ordered):
            editor = self._editor(field, d, hints[field.name])
            row = FormRow(d.label, _help(d), editor, indent=self._indent)
            row.back.clicked.connect(lambda _on=False, n=field.name: self.changed.emit(n, getattr(self._defaults, n)))
            row.put(grid, i)
            self._rows[field.name] = (row, d)
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertWidget(0, self._holder)
        self._holder.setVisible(bool(ordered))
        self.fold.setChecked(False)
        self.setVisible(bool(ordered))

    def _editor(self, field: dataclasses.Field[Any], d: Described, hint: Any) -> QWidget:
        name = field.name
        if d.choices:
            combo = Combo()
            for value, label in d.choices:
                combo.add(label, value)
            combo.picked.connect(lambda value: self.changed.emit(name, value))
            combo.opening.connect(lambda: self.opening.emit(name, combo))
            return combo
        if hint is bool:
            box = QCheckBox()
            box.toggled.connect(lambda on: self.changed.emit(name, on) if on != getattr(self._options, name) else None)
            return box
        if hint in (int, float):
            low = -WIDEST if d.minimum is None else d.minimum
            high = WIDEST if d.maximum is None else d.maximum
            number = Number(whole=hint is int, minimum=low, maximum=high, unit=d.unit)
            number.entered.connect(lambda value: self.changed.emit(name, value))
            return number
        line = TextField()
        line.entered.connect(lambda value: self.changed.emit(name, value))
        return line

    def _show_folds(self, _on: bool = False) -> None:
        advanced = [row for row, d in self._rows.values() if d.advanced]
        self.fold.setVisible(bool(advanced))
        open_now = self.fold.isChecked()
        self.fold.set_icon_name("chevron_down" if open_now else "chevron_right")
        self.fold.setText("Fewer options" if open_now else f"{len(advanced)} more options")
        self.fold.setAccessibleName("Advanced options")
        for row in advanced:
            row.set_visible(open_now)
        if self._holder is not None:
            self._holder.setVisible(open_now or len(advanced) < len(self._rows))


def _show(editor: QWidget, value: Any) -> None:
    if isinstance(editor, QCheckBox):
        editor.setChecked(bool(value))
    elif isinstance(editor, (Combo, Number, TextField)):
        editor.show_value(value)


def _help(d: Described) -> str:
    return f"{d.help} ({d.unit})" if d.unit else d.help
