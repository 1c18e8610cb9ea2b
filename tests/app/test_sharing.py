"""What leaves by sharing, and a plan that comes in by pasting: through the real window, its dialog and the clipboard."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.shell.pages import PLAN, RUN
from app.shell.share_card import PICTURE_SCALE, ShareCard
from app.shell.sharing import ShareDialog, sharable
from app.shell.window import MainWindow
from app.theme import theme
from app.widgets.buttons import Button
from planner import share
from planner.estimate import estimate
from planner.facts.gpus import other_machine
from planner.facts.machine import Holder
from planner.facts.model import catalogue
from planner.key_shapes import KNOWN_KEY
from planner.plan import Plan
from planner.presets import default_plan, sample_data
from planner.share_words import two_lines
from tests.app.finding import find

MakePlan = Callable[..., Plan]


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    found = MainWindow()
    qtbot.addWidget(found)
    found.resize(1300, 900)
    with qtbot.waitSignal(found.filled, timeout=20_000), qtbot.waitActive(found):
        found.show()
        found.activateWindow()
    yield found
    found._closing_decided = True
    found.close()


def plan_of(window: MainWindow) -> Plan:
    assert window.document.plan is not None
    return window.document.plan


def elsewhere() -> Plan:
    model = catalogue.find("Qwen/Qwen2.5-7B")
    return default_plan(model, sample_data(model), other_machine("NVIDIA GeForce RTX 3060"))


def opened(qtbot: QtBot, window: MainWindow) -> ShareDialog:
    """The dialog, with everything there is to copy."""
    qtbot.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = window.sharing.dialog
    qtbot.waitUntil(lambda: dialog.isVisible() and dialog.copy_plan.isEnabled(), timeout=20_000)
    return dialog


def copied(qtbot: QtBot, dialog: ShareDialog, name: str) -> str:
    qtbot.mouseClick(find(dialog, Button, name), Qt.MouseButton.LeftButton)
    return QGuiApplication.clipboard().text()


def pasted(qtbot: QtBot, window: MainWindow, text: str) -> None:
    window.sharing.dialog.close()
    with qtbot.waitActive(window):
        window.activateWindow()
    QGuiApplication.clipboard().setText(text)
    qtbot.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)


def test_a_copied_plan_comes_back_by_ctrl_v_as_one_change_that_can_be_undone(qtbot: QtBot, window: MainWindow) -> None:
    mine = plan_of(window)
    window.document.change(elsewhere())
    text = copied(qtbot, opened(qtbot, window), "Copy plan")
    window.document.stack.undo()
    assert plan_of(window).model.name == mine.model.name
    window.show_page(RUN)
    with qtbot.waitSignal(window.sharing.opened, timeout=20_000):
        pasted(qtbot, window, text)
    assert window.pages.currentIndex() == PLAN
    came = plan_of(window)
    assert (came.model.name, came.machine, came.stages) == (
        elsewhere().model.name,
        elsewhere().machine,
        elsewhere().stages,
    )
    assert [t.peak_bytes for t in estimate(came).tiers] == [t.peak_bytes for t in estimate(elsewhere()).tiers]
    assert "known by its shape" in find(window, QLabel, "About the model").text().replace("\u00a0", " ")
    assert window.document.stack.count() == 1
    window.document.stack.undo()
    assert plan_of(window).model.name == mine.model.name


def test_a_plan_of_this_computer_comes_back_as_one_of_another_that_can_run_the_programs_own_model(
    qtbot: QtBot, window: MainWindow
) -> None:
    text = copied(qtbot, opened(qtbot, window), "Copy plan")
    here = plan_of(window)
    with qtbot.waitSignal(window.sharing.opened, timeout=20_000):
        pasted(qtbot, window, text)
    came = plan_of(window)
    assert came.machine.name != here.machine.name
    assert came.machine.name.endswith("(shared)")
    assert (came.model, came.data) == (here.model, here.data)
    window.refreshing.settled.emit(window.here)
    assert plan_of(window).machine == came.machine


def test_ctrl_v_in_a_text_field_pastes_text_there(qtbot: QtBot, window: MainWindow) -> None:
    window.why.ask(window.here, window.runner.record)
    field = window.why.page.field
    qtbot.waitUntil(field.isVisible)
    QGuiApplication.clipboard().setText("CUDA out of memory")
    qtbot.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: field.toPlainText() == "CUDA out of memory")
    assert window.document.stack.count() == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("just words", "share.none"),
        ("plimsoll-plan:1:500:0123456789ab:AAAA", "share.damaged"),
        ("plimsoll-plan:7:4:0123456789ab:AAAA", "share.newer"),
    ],
)
def test_what_is_no_plan_is_a_problem_and_changes_nothing(
    qtbot: QtBot, window: MainWindow, text: str, code: str
) -> None:
    before = plan_of(window)
    with qtbot.waitSignal(window.sharing.problem, timeout=20_000) as seen:
        pasted(qtbot, window, text)
    assert seen.args[0].code == code
    assert plan_of(window).model == before.model
    assert window.document.stack.count() == 0
    qtbot.waitUntil(window.problems.isVisible)


def test_the_text_is_two_lines_with_the_figures_of_the_plan(qtbot: QtBot, window: MainWindow) -> None:
    window.document.change(elsewhere())
    first, second = copied(qtbot, opened(qtbot, window), "Copy text").split("\n")
    tier = estimate(elsewhere()).tiers[0]
    assert first.startswith("Qwen2.5-7B · LoRA rank 8 · bfloat16 · 4 × 512 tokens on RTX 3060: ")
    assert f"{tier.peak_bytes / 2**30:.2f} GiB of {tier.budget_bytes / 2**30:.2f} GiB" in first
    assert "does not fit" in first
    assert second.startswith("Fullest in ")
    assert "an epoch" in second


def test_nothing_that_can_be_copied_names_the_person_or_the_computer(qtbot: QtBot, window: MainWindow) -> None:
    machine = plan_of(window).machine
    others = (Holder("zanzibar-chat", 2**30),)
    here = replace(machine.devices[0], others=others)
    window.document.refresh(replace(plan_of(window), name="zanzibar", machine=replace(machine, devices=(here,))))
    dialog = opened(qtbot, window)
    told = copied(qtbot, dialog, "Copy text") + copied(qtbot, dialog, "Copy plan")
    opened_again = repr(share.from_text(told))
    seen = (
        told.partition("plimsoll-plan")[0]
        + dialog.card.accessibleDescription()
        + dialog.card.bar.accessibleDescription()
        + opened_again
    )
    seen += " ".join(label.text() for label in dialog.card.findChildren(QLabel))
    assert not [word for word in re.findall(r"\w+", seen) if word == machine.name]
    for secret in ("zanzibar", str(Path.home()), os.sep + "tmp", str(plan_of(window).model.path)):
        assert not secret or secret not in seen
    assert not re.search(KNOWN_KEY, seen + told)


def test_the_picture_is_twice_its_size_and_is_saved_as_png(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    dialog = opened(qtbot, window)
    copied(qtbot, dialog, "Copy picture")
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (
        dialog.card.width() * PICTURE_SCALE,
        dialog.card.height() * PICTURE_SCALE,
    )
    with qtbot.waitSignal(dialog.acted, timeout=20_000):
        dialog.save_to(tmp_path / "plan.png")
    assert QImage(str(tmp_path / "plan.png")).size() == image.size()
    with qtbot.waitSignal(dialog.problem, timeout=20_000) as seen:
        dialog.save_to(tmp_path / "nowhere" / "plan.png")
    assert seen.args[0].code == "share.not_saved"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_shows_bar_and_line_in_the_windows_colours(qtbot: QtBot, make_plan: MakePlan, scheme: str) -> None:
    before = theme().wish
    theme().choose(scheme)
    card = ShareCard()
    qtbot.addWidget(card)
    found = sharable(make_plan(kind="cuda"))
    card.show_estimate(found.estimate, found.lines)
    image = card.picture().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert {theme().scheme.card, theme().scheme.text, "#e69f00"} <= colours
    theme().choose(before)


def test_the_dialog_follows_the_plan_and_offers_nothing_old(qtbot: QtBot, window: MainWindow) -> None:
    dialog = opened(qtbot, window)
    window.document.change(elsewhere())
    assert not dialog.copy_plan.isEnabled()
    qtbot.waitUntil(dialog.copy_plan.isEnabled, timeout=20_000)
    assert "Qwen2.5-7B" in copied(qtbot, dialog, "Copy text")


def test_a_plan_that_must_not_be_shared_says_why(qtbot: QtBot, window: MainWindow) -> None:
    window.document.change(replace(elsewhere(), model=replace(elsewhere().model, name="hf_abcdefghijklmnop")))
    qtbot.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = window.sharing.dialog
    qtbot.waitUntil(dialog.copy_text.isEnabled, timeout=20_000)
    assert not dialog.copy_plan.isEnabled()
    assert "key of a service" in dialog.about.text()


def test_a_model_without_formulas_is_shared_as_cannot_tell() -> None:
    model = catalogue.find("openai/gpt-oss-20b")
    plan = replace(elsewhere(), model=model)
    found = sharable(plan)
    assert found.lines[0].endswith(": cannot tell")
    assert found.lines[1]
    assert two_lines(estimate(share.from_text(found.text)), None) == found.lines
