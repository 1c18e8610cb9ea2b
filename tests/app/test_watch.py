"""Watching a process that was started elsewhere: drawn against the open plan, told in a sentence, and its end noticed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app import background
from app.document import Document
from app.pages.run.state import Said
from app.pages.watch.choosing import ChooseProcess
from app.pages.watch.page import WatchPage
from app.pages.watch.state import WatchRecord, said_of_plan
from app.shell.watching import Watching
from app.watcher import READ_EVERY_MS, Watcher
from app.widgets.buttons import Button
from app.widgets.fields import Number, TextField
from planner.estimate import estimate
from planner.plan import Plan
from planner.probe.process import Candidate, Reading, Watched
from planner.problem import Problem
from planner.units import GIB, MIB
from tests.app.finding import find
from tests.holding import holding

MakePlan = Callable[..., Plan]
SAID = Said(3 * GIB, round(3.4 * GIB), 4 * GIB, 0, "host")


def watched(*readings: Reading, said: Said = SAID) -> WatchRecord:
    record = WatchRecord(pid=4711, name="python", command="python train.py", figures=said)
    record.begin(100.0)
    for n, reading in enumerate(readings):
        record.take(reading, 100.5 + n)
    return record


def ram(gib: float, processes: int = 1) -> Reading:
    return Reading(round(gib * GIB), -1, processes)


# the record


def test_the_sentence_holds_what_is_seen_against_what_the_plan_says() -> None:
    record = watched(ram(3.2), ram(3.1))
    assert record.sentence() == "python 4711 holds 3.10 GiB of the 3.40 GiB that this plan says, highest 3.20 GiB."
    assert record.remark() == "Stated: 3.00 – 4.00 GiB. What it has not reached yet may still come."
    record.end()
    assert record.sentence() == "python 4711 has ended; it held at most 3.20 GiB of the 3.40 GiB that this plan says."
    assert "Already above" in watched(ram(4.2)).remark()
    assert "3 processes are added up" in watched(ram(1.0, 3)).remark()


def test_without_a_plan_the_memory_alone_is_told() -> None:
    record = watched(ram(1.5), said=Said())
    assert record.sentence() == "python 4711 holds 1.50 GiB of RAM, highest 1.50 GiB."
    assert record.remark() == "The open plan has no figures to hold it against."


def test_a_plan_for_a_card_is_held_against_the_card_where_a_driver_tells() -> None:
    card = Said(3 * GIB, round(3.4 * GIB), 4 * GIB, 0, "device")
    unseen = watched(ram(2.0), said=card)
    assert not unseen.comparable
    assert unseen.said == Said()
    assert "no driver here tells" in unseen.remark()
    seen = watched(Reading(GIB, 3 * GIB, 1), Reading(GIB, 2 * GIB, 1), said=card)
    assert seen.sentence() == "python 4711 holds 2.00 GiB of the 3.40 GiB that this plan says, highest 3.00 GiB."
    assert seen.memory.points()[1] == [3 * GIB, 2 * GIB]
    seen.take(Reading(GIB, -1, 1), 103.0)
    assert seen.held_bytes == 2 * GIB  # the driver was silent; nothing was given back
    seen.take_plan(SAID)
    assert seen.peak_bytes == GIB
    assert seen.memory.points()[1] == [GIB, GIB, GIB]
    unknown = watched(Reading(GIB, 0, 1), said=card)
    assert "another number" in unknown.remark()


def test_the_plan_says_what_its_estimate_says(make_plan: MakePlan) -> None:
    prediction = estimate(make_plan())
    said = said_of_plan(prediction)
    assert (said.low, said.expected, said.high) == (
        prediction.tiers[0].low_bytes,
        prediction.tiers[0].peak_bytes,
        prediction.tiers[0].high_bytes,
    )
    assert said.tier == "host"
    assert said_of_plan(estimate(make_plan(kind="cuda"))).tier == "device"
    assert said_of_plan(None) == Said()


# a real process


def test_a_real_process_is_drawn_as_it_takes_and_gives_back_and_its_end_is_noticed(qtbot: QtBot) -> None:
    page, watcher = WatchPage(), Watcher()
    qtbot.addWidget(page)
    watcher.changed.connect(page.show_record)
    watcher.show_plan(Said(100 * MIB, 120 * MIB, 140 * MIB, 0, "host"))
    page.resize(900, 700)
    with qtbot.waitExposed(page):
        page.show()
    problems: list[Problem] = []
    watcher.problem.connect(problems.append)
    with holding() as child:
        with qtbot.waitSignal(watcher.attached):
            watcher.attach(child.pid)
        child.hold(96)
        qtbot.waitUntil(lambda: watcher.record.held_bytes > 96 * MIB)
        child.hold(0)
        qtbot.waitUntil(lambda: watcher.record.held_bytes < 30 * MIB)
        assert 96 * MIB < watcher.record.peak_bytes < 130 * MIB
        assert watcher.record.live
        qtbot.waitUntil(lambda: page.plot.draws["whole"] > 0)
        page.plot.draw_whole()
        assert max(page.plot._edge.get_ydata()) == watcher.record.peak_bytes
        assert page.plot._said.get_ydata()[0] == 120 * MIB
        assert page.plot._band.get_height() == 40 * MIB
    qtbot.waitUntil(lambda: not watcher.record.live)
    assert "has ended; it held at most" in find(page, QLabel, "Watch sentence").text()
    assert not watcher._timer.isActive()
    assert problems == []
    xs, ys = watcher.record.memory.points()
    assert len(page._rows()) == len(xs) == len(ys)
    page.close()


def test_it_reads_off_the_gui_thread_at_most_five_times_a_second(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    on: list[bool] = []
    read = Watched.read

    def seen(self: Watched, *, children: bool = False) -> Reading:
        on.append(threading.current_thread() is threading.main_thread())
        return read(self, children=children)

    monkeypatch.setattr(Watched, "read", seen)
    watcher = Watcher()
    watcher.attach(os.getpid())
    qtbot.waitUntil(lambda: watcher.readings >= 2)
    watcher.detach()
    assert not any(on)
    assert READ_EVERY_MS >= 200
    assert watcher.record.pid == 0


def test_a_process_that_cannot_be_watched_is_a_problem(qtbot: QtBot) -> None:
    watcher = Watcher()
    with qtbot.waitSignal(watcher.problem) as told:
        watcher.attach(2**22 + 1)
    assert told.args is not None
    assert told.args[0].code == "watch.no_such_process"
    assert watcher.process is None


# the dialog and the window's part

FOUND = (
    Candidate(4711, 5.0, "python", "python train.py --lr 2e-4", 3 * GIB, True, True),
    Candidate(4712, 6.0, "python", "python serve.py", 2 * GIB, True, False),
)


@pytest.fixture
def dialog(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> ChooseProcess:
    monkeypatch.setattr("app.pages.watch.choosing.candidates", lambda: FOUND)
    found = ChooseProcess()
    qtbot.addWidget(found)
    found.show()
    qtbot.waitUntil(lambda: found._model.rowCount() == 2)
    return found


def test_a_process_is_searched_and_chosen_with_its_start(qtbot: QtBot, dialog: ChooseProcess) -> None:
    qtbot.keyClicks(find(dialog, TextField, "Search processes"), "serve")
    assert dialog._model.rowCount() == 1
    assert find(dialog, Number, "Process number").value() == 4712
    with qtbot.waitSignal(dialog.chosen) as told:
        find(dialog, Button, "Watch").click()
    assert told.args == [4712, 6.0]


def test_a_number_can_be_typed(qtbot: QtBot, dialog: ChooseProcess) -> None:
    find(dialog, Number, "Process number").setValue(99)
    with qtbot.waitSignal(dialog.chosen) as told:
        find(dialog, Button, "Watch").click()
    assert told.args == [99, 0.0]


def test_a_dialog_closed_while_it_looks_hears_nothing_any_more(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    may_answer, answered = threading.Event(), threading.Event()

    def late() -> tuple[Candidate, ...]:
        may_answer.wait()
        answered.set()
        return FOUND

    monkeypatch.setattr("app.pages.watch.choosing.candidates", late)
    closed = ChooseProcess()
    qtbot.addWidget(closed)
    closed.show()
    closed.reject()
    may_answer.set()
    answered.wait()
    came: list[int] = []
    background.run(lambda: 1, came.append)  # what comes after it comes later
    qtbot.waitUntil(lambda: bool(came))
    assert not closed._looking.wanted
    assert closed._model.rowCount() == 0


def test_return_in_the_search_line_watches_what_the_arrows_chose(qtbot: QtBot, dialog: ChooseProcess) -> None:
    search = find(dialog, TextField, "Search processes")
    qtbot.keyClick(search, Qt.Key.Key_Down)
    with qtbot.waitSignal(dialog.chosen) as told:
        qtbot.keyClick(search, Qt.Key.Key_Return)
    assert told.args == [4712, 6.0]


def test_every_control_of_page_and_dialog_has_a_name(qtbot: QtBot, dialog: ChooseProcess) -> None:
    page = WatchPage()
    qtbot.addWidget(page)
    page.show()
    assert find(page, Button, "Watch a process").isVisible()
    page.show_record(watched(ram(3.0)))
    qtbot.waitUntil(lambda: page.plot.canvas is not None)
    for root in (page, dialog):
        nameless = [
            w
            for w in root.findChildren(QWidget)
            if w.isVisible()
            and w.focusPolicy() & Qt.FocusPolicy.TabFocus
            and not w.accessibleName()
            and w.focusProxy() is None
        ]
        assert nameless == []


def test_another_plan_changes_what_is_said_and_not_what_was_seen(qtbot: QtBot, make_plan: MakePlan) -> None:
    document, page = Document(), WatchPage()
    qtbot.addWidget(page)
    watching = Watching(document, page)
    plan = make_plan()
    document.open_plan(plan, plan.stage)
    with qtbot.waitSignal(watching.attached):
        watching.watcher.attach(os.getpid())
    qtbot.waitUntil(lambda: watching.watcher.readings >= 1)
    record = watching.watcher.record
    said, seen = record.said.expected, record.peak_bytes
    document.change(plan.with_schedule(type(plan.stage.schedule)(micro_batch=16)))
    assert record.said.expected > said
    assert record.peak_bytes == seen
    page.detach_wanted.emit()
    assert page._stack.currentIndex() == 0
    watching.stop()
