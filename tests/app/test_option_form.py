"""One generator makes every form: each described option has a named, explained editor that sets it."""

from __future__ import annotations

import typing
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox
from pytestqt.qtbot import QtBot

from app.widgets.combo import Combo
from app.widgets.fields import Number, TextField
from app.widgets.option_form import OptionForm
from planner.options import bounds_problems, described
from planner.schedule import Schedule
from planner.techniques.registry import TECHNIQUES

KINDS: list[Any] = [Schedule, *(t.Options for t in TECHNIQUES)]


def form_for(qtbot: QtBot, options: Any, defaults: Any) -> OptionForm:
    form = OptionForm()
    qtbot.addWidget(form)
    form.show()
    form.show_options(options, defaults)
    return form


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_every_option_has_a_named_and_explained_editor_showing_its_value(qtbot: QtBot, kind: Any) -> None:
    options = kind()
    form = form_for(qtbot, options, options)
    hints = typing.get_type_hints(kind)
    for field, d in described(options):
        editor, value = form.editor(field.name), getattr(options, field.name)
        assert editor.accessibleName() == d.label
        assert d.help in editor.accessibleDescription()
        if isinstance(editor, Combo):
            assert editor.currentData() == value
        elif isinstance(editor, QCheckBox):
            assert editor.isChecked() == value
        elif isinstance(editor, Number):
            assert editor.value() == pytest.approx(float(value), rel=1e-9, abs=1e-12)
        else:
            assert isinstance(editor, TextField)
            assert hints[field.name] is str or typing.get_origin(hints[field.name]) is tuple


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_numbers_cannot_leave_their_bounds(qtbot: QtBot, kind: Any) -> None:
    options = kind()
    form = form_for(qtbot, options, options)
    for field, _d in described(options):
        editor = form.editor(field.name)
        if isinstance(editor, Number):
            whole = isinstance(getattr(options, field.name), int)
            for end in (editor.minimum(), editor.maximum()):
                at_end = replace(options, **{field.name: int(end) if whole else end})
                assert not bounds_problems(at_end, "x")


def test_a_changed_value_is_marked_and_goes_back(qtbot: QtBot) -> None:
    form = form_for(qtbot, Schedule(micro_batch=8), Schedule())
    row, _d = form._rows["micro_batch"]
    assert row.mark.on
    assert row.back.isVisible()
    assert row.back.accessibleName() == "Batch back to default"
    with qtbot.waitSignal(form.changed) as told:
        qtbot.mouseClick(row.back, Qt.MouseButton.LeftButton)
    assert told.args == ["micro_batch", Schedule().micro_batch]
    form.show_options(Schedule(), Schedule())
    assert not row.mark.on
    assert not row.back.isVisible()


def test_advanced_options_are_folded_and_unfold_where_one_was_changed(qtbot: QtBot) -> None:
    form = form_for(qtbot, Schedule(), Schedule())
    assert not form.editor("seed").isVisible()
    assert form.editor("micro_batch").isVisible()
    form.fold.click()
    assert form.editor("seed").isVisible()
    changed = form_for(qtbot, Schedule(seed=5), Schedule())
    assert changed.editor("seed").isVisible()


def test_a_check_box_tells_once_and_only_a_change(qtbot: QtBot) -> None:
    form = form_for(qtbot, Schedule(), Schedule())
    form.fold.click()
    box = form.editor("shuffle")
    assert isinstance(box, QCheckBox)
    with qtbot.waitSignal(form.changed) as told:
        box.click()
    assert told.args == ["shuffle", False]
    with qtbot.assertNotEmitted(form.changed):
        form.show_options(Schedule(shuffle=False), Schedule())


def test_hidden_fields_have_no_row(qtbot: QtBot) -> None:
    form = OptionForm(hidden=("micro_batch",))
    qtbot.addWidget(form)
    form.show_options(Schedule(), Schedule())
    with pytest.raises(KeyError):
        form.editor("micro_batch")
