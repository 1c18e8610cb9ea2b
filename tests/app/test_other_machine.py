"""Another machine: put together in a dialog, one step of the history, and there to be picked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import other_machines
from app.document import Document
from app.other_machines import OtherMachine, named_apart, recent, remember, text_of
from app.pages.plan.machine_dialog import NO_CARD, MachineDialog
from app.pages.plan.page import PlanPage
from app.pages.plan.picks import Pick, plan_with_machine
from app.widgets.pick_field import PickList
from planner.drafting import device_of
from planner.facts.gpus import gpus
from planner.plan import Plan
from planner.units import GIB
from tests.app.conftest import machine_with

BIG = OtherMachine("NVIDIA GeForce RTX 4090", 4, 512.0, 2000.0, "the lab's")


@pytest.fixture
def page(qtbot: QtBot, make_plan: Callable[..., Plan]) -> PlanPage:
    document = Document()
    found = PlanPage(document)
    document.setParent(found)
    qtbot.addWidget(found)
    here = machine_with(12.0)
    found.show_here(here)
    plan = make_plan()
    found.show_start_plan(plan)
    document.open_plan(plan, plan.stage)
    found.show()
    return found


def document_of(page: PlanPage) -> Document:
    return page._document


def plan_of(page: PlanPage) -> Plan:
    plan = document_of(page).plan
    assert plan is not None
    return plan


def test_a_described_machine_has_what_was_typed() -> None:
    facts = BIG.facts()
    assert [d.id for d in facts.devices] == ["cuda:0", "cuda:1", "cuda:2", "cuda:3", "cpu"]
    assert (facts.name, facts.ram_total_bytes, facts.disk_free_bytes) == ("the lab's", 512 * GIB, 2000 * GIB)
    assert any("one of the 4 cards" in n for n in facts.notes)
    plain = OtherMachine(ram_gib=8).facts()
    assert ([d.id for d in plain.devices], plain.name) == (["cpu"], "a computer without a GPU, 8 GiB of RAM")


def test_where_a_card_has_no_memory_of_its_own_the_ram_is_the_cards() -> None:
    mac = OtherMachine("Apple M1, 16 GB", count=3, ram_gib=512.0)
    assert mac.unified
    facts = mac.facts()
    assert [d.id for d in facts.devices] == ["mps", "cpu"]
    assert facts.ram_total_bytes == 16 * GIB


def test_a_name_that_another_machine_has_is_made_its_own() -> None:
    here = machine_with(8.0)
    mine = replace(BIG, name=here.name).facts()
    assert named_apart(mine, here).name == f"{here.name} (2)"
    assert named_apart(mine, here, replace(mine, name=f"{here.name} (2)", ram_total_bytes=1)).name.endswith("(3)")
    assert named_apart(mine, mine).name == mine.name  # the very same one


def test_machines_described_lately_are_kept_newest_first_and_once() -> None:
    assert recent() == []
    remember(BIG)
    remember(OtherMachine())
    remember(BIG)
    assert recent() == [BIG, OtherMachine()]
    for ram in range(1, 20):
        remember(OtherMachine(ram_gib=float(ram)))
    assert len(recent()) == other_machines.MOST_KEPT


def test_the_dialog_says_what_the_plan_would_be_there_and_where_figures_come_from(
    qtbot: QtBot, make_plan: Callable[..., Plan]
) -> None:
    plan = make_plan()
    dialog = MachineDialog(lambda machine: replace(plan, machine=machine))
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.verdict.text().startswith("Fits"))
    assert dialog.card.text() == NO_CARD
    assert not dialog.count.isEnabled()
    dialog.ram.entered.emit(1.0)
    qtbot.waitUntil(lambda: dialog.verdict.text().startswith("Does not fit"))
    dialog.card.picked.emit("NVIDIA GeForce RTX 4090")
    assert dialog.count.isEnabled()
    assert "Memory of the card:" in dialog.source.text().replace("\u00a0", " ")
    assert dialog.name.placeholderText() == "a computer with one NVIDIA GeForce RTX 4090, 1 GiB of RAM"
    dialog.card.picked.emit("Apple M1, 16 GB")
    assert not dialog.ram.isEnabled()
    assert dialog.ram.value() == 16
    assert all(w.accessibleName() for w in (dialog.card, dialog.count, dialog.ram, dialog.disk, dialog.name))
    dialog.reject()


def test_cards_are_found_by_name_and_by_size(qtbot: QtBot, make_plan: Callable[..., Plan]) -> None:
    plan = make_plan()
    dialog = MachineDialog(lambda machine: replace(plan, machine=machine))
    qtbot.addWidget(dialog)
    dialog._open_cards()

    def shown(words: str) -> list[str]:
        cards: PickList = dialog.card.list
        cards.search.setText(words)
        return [cards._model.item(row).text() for row in range(cards._model.rowCount())]

    assert any("RTX 4090" in name for name in shown("4090"))
    of_size = {g.name for g in gpus() if g.kind and g.memory_bytes == 24 * GIB}
    assert of_size <= set(shown("24 gb"))
    assert "NVIDIA GeForce RTX 3060" not in shown("24 gb")
    dialog.reject()


def test_a_described_machine_becomes_the_plans_in_one_step_that_can_be_undone(qtbot: QtBot, page: PlanPage) -> None:
    before = plan_of(page).machine
    page.form.what.machine_picked.emit(Pick("other"))
    dialog = page.describing
    assert dialog is not None
    dialog.card.picked.emit("NVIDIA GeForce RTX 4090")
    dialog.count.entered.emit(2)
    dialog.name.setText("the  lab's")
    qtbot.keyClick(dialog.take, Qt.Key.Key_Space)
    machine = plan_of(page).machine
    assert (machine.name, len(machine.devices)) == ("the lab's", 3)
    device = device_of(plan_of(page))
    assert device is not None
    assert device.id == "cuda:0"
    assert document_of(page).stack.count() == 1
    assert page.form.what.machine.text() == "the lab's"
    document_of(page).stack.undo()
    assert plan_of(page).machine.name == before.name
    qtbot.waitUntil(lambda: recent() == [OtherMachine("NVIDIA GeForce RTX 4090", 2, name="the lab's")])

    field = page.form.what.machine
    field.opening.emit()
    entry = Pick("described", text_of(recent()[0]))
    qtbot.waitUntil(lambda: entry in {e.value for e in field.list._entries})
    field.list.picked.emit(entry)
    assert plan_of(page).machine == machine


def test_another_ram_under_the_same_name_is_another_machine(page: PlanPage) -> None:
    document = document_of(page)
    first = plan_with_machine(plan_of(page), None, Pick("described", text_of(BIG)))
    document.change(first)
    more = replace(BIG, ram_gib=1024.0)
    document.edit(lambda p: plan_with_machine(p, None, Pick("described", text_of(more))))
    assert plan_of(page).machine.ram_total_bytes == 1024 * GIB
    assert plan_of(page).machine.name == "the lab's (2)"
    document.stack.undo()
    assert plan_of(page).machine.ram_total_bytes == 512 * GIB


def test_the_dialog_closed_leaves_the_plan_as_it_is(qtbot: QtBot, page: PlanPage) -> None:
    page.form.what.machine_picked.emit(Pick("other"))
    dialog = page.describing
    assert isinstance(dialog, QWidget)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert document_of(page).stack.count() == 0
    assert recent() == []
