"""A pasted error is answered in the window: through the menu, live, with a button that makes the change, undoable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.document import Document
from app.pages.run.state import RunRecord
from app.pages.why.paste_field import FIRST, LAST, PasteField, harmless
from app.pages.why.state import view
from app.shell.pages import PLAN, RUN
from app.shell.why import MEMORY_OUT, WhyDialog
from app.shell.window import MainWindow
from app.widgets.buttons import Button
from app.widgets.ledger_table import LedgerTable
from app.widgets.tier_bar import TierBar
from planner.estimate import estimate
from planner.plan import Plan
from planner.problem import Problem
from planner.run.build import run_spec
from planner.run.events import Failed
from planner.why.explain import explain
from planner.why.text import LONGEST_LINE
from tests.app.finding import find
from tests.app.test_window import open_window

MakePlan = Callable[..., Plan]
COMMAND = (
    "trl sft --model_name_or_path Qwen/Qwen2.5-0.5B --per_device_train_batch_size 8 --hub_token hf_abcdefghijklmnop12"
)
ERROR = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.20 GiB. GPU 0 has a total capacity of 7.66 GiB of which "
    "610.81 MiB is free. Process 43 has 1.50 GiB memory in use. Including non-PyTorch memory, this process has 5.51 GiB memory "
    "in use. Of the allocated memory 4.10 GiB is allocated by PyTorch, and 1.01 GiB is reserved by PyTorch but unallocated."
)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    found = open_window(qtbot)
    yield found
    found._closing_decided = True
    found.close()


@pytest.fixture
def dialog(qtbot: QtBot, make_plan: MakePlan) -> WhyDialog:
    """The dialog over a plan for a card, without the window around it."""
    document = Document()
    plan = make_plan(free_gib=6.0, total_gib=8.0, kind="cuda")
    plan = plan.with_schedule(replace(plan.stage.schedule, micro_batch=64))
    document.open_plan(plan, plan.stage)
    found = WhyDialog(document)
    qtbot.addWidget(found)
    with qtbot.waitExposed(found):
        found.ask(None, RunRecord())
    return found


def plan_of(dialog: WhyDialog) -> Plan:
    plan = dialog._document.plan
    assert plan is not None
    return plan


def asked(window: MainWindow) -> WhyDialog:
    """Open the dialog as a person does: the menu's action."""
    action = next(a for _, actions in window.menus.all for a in actions if a.text().startswith("Why did I"))
    assert isinstance(action, QAction)
    action.trigger()
    return window.why


def pasted(qtbot: QtBot, dialog: WhyDialog, text: str) -> None:
    field = find(dialog, PasteField, "Error, traceback or command")
    with qtbot.waitSignal(dialog.answered, timeout=20_000):
        QApplication.clipboard().setText(text)
        qtbot.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: all(b.isVisible() for b in dialog.page.findChildren(Button) if b.pill))


def chips(dialog: WhyDialog) -> list[Button]:
    return [b for b in dialog.findChildren(Button) if b.pill and b.isVisible()]


def test_a_pasted_error_is_answered_changed_and_undone(qtbot: QtBot, window: MainWindow) -> None:
    before = window.document.plan
    window.show_page(RUN)
    dialog = asked(window)
    pasted(qtbot, dialog, f"{COMMAND}\n{ERROR}")
    assert find(dialog, QLabel, "Why it ran out").text() == "618 MiB were missing on the card."
    assert find(dialog, TierBar, "Memory of GPU").isVisible()
    assert find(dialog, LedgerTable, "Ledger at the chosen moment").model().rowCount() > 3

    def said() -> bool:
        shown = [w.text() for w in dialog.findChildren(QLabel) if w.isVisible()]
        return any("held by another process (43)" in x for x in shown)

    qtbot.waitUntil(said)
    first = chips(dialog)[0]
    qtbot.mouseClick(first, Qt.MouseButton.LeftButton)
    after = window.document.plan
    assert after is not None
    assert after.model.name == "Qwen/Qwen2.5-0.5B"
    assert estimate(after).verdict.value == "fits"
    assert not dialog.isVisible()
    assert window.pages.currentIndex() == PLAN
    window.document.stack.undo()
    assert window.document.plan == before
    assert window.document.stack.canRedo()


def test_the_run_itself_can_be_opened_as_a_plan(qtbot: QtBot, dialog: WhyDialog) -> None:
    button = find(dialog, Button, "Open this run as a plan")
    assert not button.isEnabled()
    pasted(qtbot, dialog, COMMAND)
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert plan_of(dialog).stage.schedule.micro_batch == 8
    assert dialog._document.stack.canUndo()


def test_an_error_alone_is_explained_by_the_open_plan_and_its_machine_stays(qtbot: QtBot, dialog: WhyDialog) -> None:
    plan = plan_of(dialog)
    pasted(qtbot, dialog, ERROR)
    assert not find(dialog, Button, "Open this run as a plan").isEnabled()
    qtbot.mouseClick(chips(dialog)[0], Qt.MouseButton.LeftButton)
    assert plan_of(dialog) != plan
    assert plan_of(dialog).machine == plan.machine
    dialog._document.stack.undo()
    assert plan_of(dialog) == plan


def test_no_secret_stands_in_the_field_or_the_answer(qtbot: QtBot, dialog: WhyDialog) -> None:
    pasted(qtbot, dialog, f"{COMMAND}\n{ERROR}")
    shown = [dialog.page.field.toPlainText(), *(w.text() for w in dialog.findChildren(QLabel))]
    assert not any("hf_abc" in x for x in shown)
    assert "--hub_token (hidden)" in shown[0]


def test_a_very_long_text_keeps_its_beginning_and_its_end() -> None:
    long = harmless("first" + "x" * 2 * (FIRST + LAST) + "last")
    assert long.startswith("first")
    assert long.endswith("last")
    assert len(long) < FIRST + LAST + 100
    assert max(map(len, long.split("\n"))) <= LONGEST_LINE  # one line of 300,000 letters takes seconds to lay out


def test_every_control_of_the_dialog_has_a_name_and_a_shortcut_opens_it(qtbot: QtBot, window: MainWindow) -> None:
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_O, keys)
    dialog = window.why
    assert dialog.isVisible()
    pasted(qtbot, dialog, f"{COMMAND}\n{ERROR}")
    nameless = [
        w
        for w in dialog.findChildren(QWidget)
        if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus and not w.accessibleName() and not w.focusProxy()
    ]
    assert nameless == []
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    asked(window)
    assert "CUDA out of memory" in dialog.page.field.toPlainText()


def test_a_run_of_ours_that_ran_out_is_there_already(qtbot: QtBot, dialog: WhyDialog, make_plan: MakePlan) -> None:
    plan = make_plan()
    record = RunRecord()
    record.spec = run_spec(plan, estimate(plan), "folder", elsewhere=True)
    fact = "Memory ran out: DefaultCPUAllocator: can't allocate memory: you tried to allocate 1178729664 bytes."
    record.failed = Failed(0.0, "step 1", 1, Problem(MEMORY_OUT, fact, ""))
    with qtbot.waitSignal(dialog.answered, timeout=20_000) as answer:
        dialog.ask(None, record)
    assert answer.args is not None
    assert answer.args[0].plan.machine.ram_total_bytes == plan.machine.ram_total_bytes
    assert answer.args[0].plan.stage == plan.stage
    assert answer.args[0].reading.asked == 1178729664
    assert any("the plan of the run that failed" in x for x in answer.args[0].ledger)
    record.failed = Failed(0.0, "step 1", 1, Problem(MEMORY_OUT, fact.replace("117", "217"), ""))
    with qtbot.waitSignal(dialog.answered, timeout=20_000) as answer:
        dialog.ask(None, record)  # it failed again, with another figure: that one is explained now
    assert answer.args is not None
    assert answer.args[0].reading.asked == 2178729664


def test_what_is_shown_says_everything_that_was_found() -> None:
    found = explain(f"{COMMAND}\n{ERROR}")
    shown = view(found)
    told = [sentence for _, sentences in shown.groups for sentence in sentences]
    assert set(found.happened + found.ledger + found.disagrees + found.missing) <= set(told)
    assert [s.plan for s in shown.suggestions] == [c.plan for c in found.changes[: len(shown.suggestions)]]
    nothing = view(explain("loss 0.3"))
    assert nothing.tone == "warn"
    assert not nothing.bars
