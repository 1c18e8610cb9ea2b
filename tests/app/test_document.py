"""The document's history: named steps, merged drags, fresh facts that are no step, and a copy against power cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import recent, recovery
from app.document import Document
from app.pages.plan.edits import SCHEDULE, with_option, with_technique
from planner.calibration.correction import Correction
from planner.plan import Plan
from planner.plan_file import load_plan
from planner.problem import ProblemError
from planner.slots import Slot
from planner.techniques.registry import of_slot

MakePlan = Callable[..., Plan]


@pytest.fixture
def document(qtbot: QtBot, make_plan: MakePlan) -> Iterator[Document]:
    plan = make_plan()
    found = Document()
    found.open_plan(plan, plan.stage)
    yield found
    found.drop_recovery_copy()


def batch(document: Document) -> int:
    assert document.plan is not None
    return document.plan.stage.schedule.micro_batch


def test_undo_and_redo_name_what_they_change(document: Document) -> None:
    document.edit(lambda p: with_option(p, SCHEDULE, "micro_batch", 16))
    assert document.stack.undoText() == "change Batch 4 → 16"
    document.stack.undo()
    assert batch(document) == 4
    assert document.stack.redoText() == "change Batch 4 → 16"
    document.stack.redo()
    assert batch(document) == 16


def test_a_drag_is_one_step_and_back_at_its_start_it_is_none(document: Document) -> None:
    for n in (5, 6, 7, 8):
        document.edit(lambda p, n=n: with_option(p, SCHEDULE, "micro_batch", n), merge="schedule.micro_batch")
    assert document.stack.count() == 1
    assert document.stack.undoText() == "change Batch 4 → 8"
    document.stack.undo()
    assert batch(document) == 4


def test_changes_of_two_fields_are_two_steps(document: Document) -> None:
    document.edit(lambda p: with_option(p, SCHEDULE, "micro_batch", 8), merge="a")
    document.edit(lambda p: with_option(p, SCHEDULE, "max_length", 256), merge="b")
    assert document.stack.count() == 2


def test_every_number_comes_from_the_estimate_of_the_plan_shown(qtbot: QtBot, document: Document) -> None:
    with qtbot.waitSignal(document.changed) as told:
        document.edit(lambda p: with_option(p, SCHEDULE, "micro_batch", 2))
    assert told.args is not None
    assert told.args[0] is document.estimate
    assert document.estimate is not None
    assert document.estimate.plan == document.plan


def test_fresh_facts_are_no_step_and_survive_an_undo(document: Document, make_plan: MakePlan) -> None:
    document.edit(lambda p: with_option(p, SCHEDULE, "micro_batch", 8))
    now = make_plan(free_gib=3.0).machine
    document.refresh_machine(now)
    assert document.stack.count() == 1
    document.stack.undo()
    assert document.plan is not None
    assert document.plan.machine == now
    assert batch(document) == 4


def test_what_cannot_be_is_told_and_changes_nothing(qtbot: QtBot, document: Document) -> None:
    before = document.plan
    with qtbot.waitSignal(document.problem) as told:
        document.edit(lambda p: with_option(p, SCHEDULE, "micro_batch", "many"))
    assert told.args is not None
    assert told.args[0].code == "option.wrong_type"
    assert document.plan == before


def test_saving_cleans_and_the_file_reads_back_equal(document: Document, tmp_path: Path) -> None:
    document.edit(lambda p: with_technique(p, Slot.TRAINABLE, of_slot(Slot.TRAINABLE)[1].name))
    assert document.modified
    document.save(tmp_path / "a.json")
    assert not document.modified
    assert load_plan(tmp_path / "a.json") == document.plan
    assert recent.recent() == [tmp_path / "a.json"]


def test_saving_off_the_thread_refuses_with_a_problem(qtbot: QtBot, document: Document, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with qtbot.waitSignal(document.problem) as told:
        document.save_soon(tmp_path / "file" / "a.json")
    assert told.args is not None
    assert told.args[0].code == "file.not_written"
    with pytest.raises(ProblemError):
        document.save(tmp_path / "file" / "a.json")


def test_a_change_leaves_a_copy_and_saving_removes_it(qtbot: QtBot, document: Document, tmp_path: Path) -> None:
    document.edit(lambda p: with_option(p, SCHEDULE, "micro_batch", 8))
    qtbot.waitUntil(lambda: document.copy.file is not None and document.copy.file.exists())
    copy = document.copy.file
    assert copy is not None
    assert recovery.read(copy).plan == document.plan
    document.save(tmp_path / "a.json")
    assert not copy.exists()


def test_a_recovered_plan_counts_as_unsaved(document: Document, make_plan: MakePlan) -> None:
    plan = make_plan()
    document.open_plan(plan, plan.stage, unsaved=True)
    assert document.modified


def test_an_undo_back_to_this_computer_brings_what_it_has_learned_meanwhile(document: Document) -> None:
    here = document.plan.machine if document.plan else None
    assert here is not None
    document.edit(lambda p: replace(p, machine=replace(here, name="another computer")))
    learned = Correction("context", "cpu A processor", 41, 41, 41, ("run-1",))
    document.refresh_machine(replace(here, corrections=(learned,)))
    document.stack.undo()
    assert document.plan is not None
    assert document.plan.machine.name == here.name
    assert document.plan.machine.corrections == (learned,)
