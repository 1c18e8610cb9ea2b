"""The Runs page: alive without losing what is chosen, compared, named, deleted and brought back, all by keys too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.pages.runs.page import RunsPage
from app.pages.runs.queue_card import why_words
from planner.run import about, keeper, layout, lock, queue
from planner.run.about import About
from planner.run.events import Step
from planner.run.home import runs_dir
from planner.run.journal import Journal
from planner.run.queue import Queued
from planner.units import GIB
from tests.run_folders import BEGAN, a_plan, finished_folder, out_of_memory, run_folder, saved, session

MODIFIERS = Qt.KeyboardModifier
LONGEST_MS = 16.0


def make(names: str) -> list[Path]:
    return [finished_folder(runs_dir() / name, at=BEGAN + i) for i, name in enumerate(names)]


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[RunsPage]:
    found = RunsPage()
    qtbot.addWidget(found)
    found.resize(1200, 800)
    with qtbot.waitExposed(found):
        found.show()
    yield found
    found.leave()


def begin(qtbot: QtBot, page: RunsPage) -> RunsPage:
    page.begin()
    qtbot.waitUntil(lambda: page.shelf.looks > 0)
    return page


def look(qtbot: QtBot, page: RunsPage) -> None:
    """As the clock does every two seconds. A look that is under way already may have missed what is new."""
    wanted = page.shelf.looks + (2 if page.shelf._looking else 1)
    page.shelf.look()
    qtbot.waitUntil(lambda: page.shelf.looks >= wanted)


def choose(qtbot: QtBot, page: RunsPage, *keys: str) -> None:
    page.table.choose(keys, keys[0])
    qtbot.waitUntil(lambda: all(key in page.curves for key in keys))


def keys(page: RunsPage) -> str:
    return "".join(page.table.keys())


def test_without_runs_it_says_how_to_make_one(qtbot: QtBot, page: RunsPage) -> None:
    begin(qtbot, page)
    assert page.empty.isVisible()
    assert page.empty.headline.text() == "No runs yet – three clicks make one"
    with qtbot.waitSignal(page.plan_page_wanted):
        page.empty.button.click()


def test_a_run_of_the_command_line_appears_and_nothing_chosen_is_lost(qtbot: QtBot, page: RunsPage) -> None:
    make("abc")
    begin(qtbot, page)
    assert keys(page) == "cba"
    choose(qtbot, page, "a", "b")
    make("abcd")
    run_folder(runs_dir() / "e", [*session(2, at=BEGAN + 100), out_of_memory(BEGAN + 103)])
    look(qtbot, page)
    assert keys(page) == "edcba"
    assert page.table.keys_chosen() == ["b", "a"]
    assert [run.key for run in page.state.chosen] == ["b", "a"]


def test_a_live_row_is_told_anew_without_losing_choice_or_scroll(qtbot: QtBot, page: RunsPage) -> None:
    folders = make("abcdefghijklmnopqrstuvwxyz")
    live = run_folder(runs_dir() / "live", session(2, of=9, at=BEGAN - 1))
    held = lock.Lock(live)
    begin(qtbot, page)
    page.table.choose(["live"], "live")
    bar = page.table.verticalScrollBar()
    bar.setValue(bar.maximum() - 1)
    at = bar.value()
    assert at > 0
    journal = Journal(live)
    journal.append(Step(BEGAN + 3, 3, 9, 0.5, (0.5).hex(), 1e-4, 1.0, 300, 100.0, 64))
    journal.close()
    look(qtbot, page)
    row = page.table.texts()[page.table.keys().index("live")]
    assert "3 of 9" in row
    assert "▶ running" in row
    assert page.table.keys_chosen() == ["live"]
    assert bar.value() == at
    page._order(0, False)  # by name
    assert page.table.keys_chosen() == ["live"]
    held.release()
    look(qtbot, page)
    assert "? lost" in page.table.texts()[page.table.keys().index("live")]
    assert len(folders) + 1 == len(page.table.keys())


def test_search_and_chips_filter_and_keys_lead_there_and_back(qtbot: QtBot, page: RunsPage) -> None:
    make("abc")
    about.write(runs_dir() / "b", About(tags=("good",)))
    run_folder(runs_dir() / "d", session(2, at=BEGAN + 9))
    begin(qtbot, page)
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Slash)
    assert page.filters.search.hasFocus()
    qtbot.keyClicks(page.filters.search, "good")
    assert keys(page) == "b"
    qtbot.keyClick(page.filters.search, Qt.Key.Key_Down)
    assert page.table.hasFocus()
    assert page.table.keys_chosen() == ["b"]
    qtbot.keyClick(page.table, Qt.Key.Key_F, MODIFIERS.ControlModifier)
    qtbot.keyClick(page.filters.search, Qt.Key.Key_Escape)
    assert keys(page) == "dcba"
    chip = page.filters.buttons["state", "lost"]
    assert chip.text() == "? lost 1"
    chip.click()
    assert keys(page) == "d"
    page.filters.buttons["tag", "good"].click()
    assert keys(page) == ""
    assert page.nothing_found.isVisible()


def test_one_run_is_told_in_words_and_what_does_not_go_is_greyed(qtbot: QtBot, page: RunsPage) -> None:
    make("a")
    run_folder(runs_dir() / "b", [*session(2), saved(BEGAN + 2, 2), out_of_memory(BEGAN + 3)])
    begin(qtbot, page)
    choose(qtbot, page, "b")
    assert page.one.state.text().startswith("✗ failed")
    assert "It ran out of memory in step 2." in page.one.sentence.text()
    qtbot.waitUntil(lambda: "saved at step 2" in page.one.facts.text())
    assert page.one.buttons["continue"].isEnabled()
    with qtbot.waitSignal(page.wanted) as asked:
        page.one.buttons["continue"].click()
    assert (asked.args[0], asked.args[1].key) == ("continue", "b")
    choose(qtbot, page, "a")
    assert not page.one.buttons["continue"].isEnabled()
    with qtbot.waitSignal(page.wanted) as asked:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert (asked.args[0], asked.args[1].key) == ("open", "a")


def test_many_filters_do_not_make_the_window_grow(qtbot: QtBot, page: RunsPage) -> None:
    make("ab")
    begin(qtbot, page)
    least = page.minimumSizeHint().height()
    page.changes.add_tags([run.run_dir for run in page.state.runs], tuple(f"tag{n}" for n in range(16)))
    qtbot.waitUntil(lambda: len(page.filters.buttons) > 16)
    assert page.minimumSizeHint().height() <= least + 1
    assert not page.hasHeightForWidth()  # else a window takes the wished height for the least


def test_a_damaged_run_says_what_was_read_and_what_not(qtbot: QtBot, page: RunsPage) -> None:
    (folder,) = make("a")
    (folder / layout.SPEC).write_text("{")
    with (folder / layout.EVENTS).open("ab") as file:
        file.write(b"garbage\n")
    begin(qtbot, page)
    choose(qtbot, page, "a")
    assert page.table.texts()[0][0] == "⚠ a"
    assert "spec.json cannot be read" in page.one.sentence.text()
    assert "1 of 12 lines of the journal cannot be read" in page.one.sentence.text()
    assert not page.one.buttons["plan"].isEnabled()
    assert page.one.buttons["delete"].isEnabled()


def test_what_was_never_started_and_cannot_be_read_is_not_offered_to_be_continued(qtbot: QtBot, page: RunsPage) -> None:
    folder = runs_dir() / "a"
    folder.mkdir(parents=True)
    (folder / layout.SPEC).write_text("{")
    begin(qtbot, page)
    choose(qtbot, page, "a")
    assert not page.one.buttons["continue"].isEnabled()
    assert page.one.buttons["delete"].isEnabled()


def test_several_runs_show_only_what_differs_and_a_letter_each(qtbot: QtBot, page: RunsPage) -> None:
    plan = a_plan()
    finished_folder(runs_dir() / "a", share=1.01)
    finished_folder(runs_dir() / "b", plan.with_schedule(replace(plan.stage.schedule, micro_batch=2)), at=BEGAN + 1)
    begin(qtbot, page)
    choose(qtbot, page, "a", "b")
    qtbot.waitUntil(lambda: page.compare.sentence.text() == "1 setting differs; all others are the same.")
    lines = page.compare.table.lines()
    assert lines[0][1].startswith("A ")
    assert ("Batch", "2", "4") in lines
    assert ("Miss", "0.0 %", "+1.0 %") in lines
    assert not any(line[0] == "Learning rate" for line in lines)
    curves = page.charts.loss.curves
    assert [curve.letter for curve in curves] == ["A", "B"]
    assert all(len(curve.points[0]) == 4 for curve in curves)
    page.charts.loss_card.button.click()
    table = page.charts.loss_card.table
    assert table.rowCount() == 8
    assert table.item(7, 2).text() == "0.75"


def test_the_chart_of_many_is_drawn_with_line_styles_beside_colours(qtbot: QtBot, page: RunsPage) -> None:
    make("abcde")
    begin(qtbot, page)
    choose(qtbot, page, *"abcde")
    loss = page.charts.loss
    qtbot.waitUntil(lambda: loss.canvas is not None)
    loss.draw_whole()
    drawn = [
        (line.get_color(), str(line._unscaled_dash_pattern)) for _, line, _ in loss._artists if len(line.get_xdata())
    ]
    assert len(set(drawn)) == 5
    assert len({style for _, style in drawn}) == 4
    heights = sorted(end.get_position()[1] for _, _, end in loss._artists if end.get_text())
    assert all(b - a > 0 for a, b in pairwise(heights)), "letters lie on each other"


def test_names_tags_and_notes_are_written_where_they_were_typed(qtbot: QtBot, page: RunsPage) -> None:
    a, b = make("ab")
    begin(qtbot, page)
    choose(qtbot, page, "a")
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_F2)
    assert page.one.name.hasFocus()
    qtbot.keyClicks(page.one.name, "My best")
    qtbot.keyClick(page.one.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: about.read(a).name == "My best")
    page.one.tags.setText("good, 7B")
    choose(qtbot, page, "b")  # typed and not handed on: it is still a's
    qtbot.waitUntil(lambda: about.read(a).tags == ("good", "7B"))
    assert about.read(b) == About()
    page.one.note.setFocus()
    page.one.note.setPlainText("for later")
    page.table.setFocus()
    qtbot.waitUntil(lambda: about.read(b).note == "for later")
    choose(qtbot, page, "a", "b")
    page.compare.tags.setText("both")
    page.compare.tags.editingFinished.emit()
    qtbot.waitUntil(lambda: about.read(a).tags == ("good", "7B", "both") and about.read(b).tags == ("both",))
    qtbot.waitUntil(lambda: ("tag", "both") in page.filters.buttons)


def test_what_is_deleted_comes_back_with_ctrl_z_and_is_gone_when_the_page_closes(qtbot: QtBot, page: RunsPage) -> None:
    folders = make("abc")
    begin(qtbot, page)
    choose(qtbot, page, "a", "b")
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: keys(page) == "c")
    assert page.undo_bar.isVisible()
    assert page.undo_bar.words.text().startswith("Deleted 2 runs, ")
    qtbot.keyClick(QApplication.focusWidget() or page, Qt.Key.Key_Z, MODIFIERS.ControlModifier)
    qtbot.waitUntil(lambda: keys(page) == "cba")
    assert not page.undo_bar.isVisible()
    choose(qtbot, page, "c")
    page.delete()
    qtbot.waitUntil(lambda: keys(page) == "ba")
    page.leave()
    assert [folder.exists() for folder in folders] == [True, True, False]
    assert not list(runs_dir().glob(".trash/*"))


def test_a_running_run_is_not_deleted_and_says_so(qtbot: QtBot, page: RunsPage) -> None:
    live = run_folder(runs_dir() / "a", session(2))
    held = lock.Lock(live)
    begin(qtbot, page)
    choose(qtbot, page, "a")
    assert not page.one.buttons["delete"].isEnabled()
    with qtbot.waitSignal(page.problem) as told:
        page.delete()
    held.release()
    assert told.args[0].code == "run.goes_on"
    assert live.is_dir()


def test_needless_checkpoints_are_freed_and_come_back(qtbot: QtBot, page: RunsPage) -> None:
    a, b = make("ab")
    run_folder(runs_dir() / "c", session(2, at=BEGAN + 9))
    for folder in (a, b, runs_dir() / "c"):
        point = folder / layout.CHECKPOINTS / "step-2"
        point.mkdir(parents=True)
        (point / "model.safetensors").write_bytes(b"x" * 1024)
    begin(qtbot, page)
    assert page.overview.free.text() == "Free 2 KiB"
    page.overview.free.click()
    qtbot.waitUntil(lambda: not page.overview.free.isVisible())
    assert not (a / layout.CHECKPOINTS).exists()
    assert (runs_dir() / "c" / layout.CHECKPOINTS).exists(), "a lost run needs its checkpoint"
    page.undo_bar.button.click()
    qtbot.waitUntil(lambda: page.overview.free.isVisible())
    assert (b / layout.CHECKPOINTS / "step-2" / "model.safetensors").stat().st_size == 1024


def test_the_queue_is_ordered_by_keys_held_and_left(
    qtbot: QtBot, page: RunsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bool] = []
    monkeypatch.setattr(keeper, "ensure", lambda: kept.append(True))  # its own tests start it
    folders = [run_folder(runs_dir() / name) for name in "abc"]
    for folder in folders:
        queue.add(Queued(folder, GIB))
    begin(qtbot, page)
    qtbot.waitUntil(lambda: kept == [True])
    assert page.queue.isVisible()
    listed = page.queue.list
    assert [folder.name for folder in listed.folders()] == ["a", "b", "c"]
    listed.setCurrentRow(2)
    qtbot.keyClick(listed, Qt.Key.Key_Up, MODIFIERS.AltModifier)
    qtbot.waitUntil(lambda: [entry.run_dir.name for entry in queue.waiting()] == ["a", "c", "b"])
    look(qtbot, page)
    assert listed.chosen() == folders[2]
    qtbot.keyClick(listed, Qt.Key.Key_H)
    qtbot.waitUntil(lambda: queue.waiting()[1].held)
    qtbot.waitUntil(lambda: page.queue.hold.text() == "Let go")
    qtbot.keyClick(listed, Qt.Key.Key_H)
    qtbot.waitUntil(lambda: kept == [True, True] and page.queue.hold.text() == "Hold")
    qtbot.keyClick(listed, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: [folder.name for folder in listed.folders()] == ["a", "b"])
    assert folders[2].is_dir()
    choose(qtbot, page, "a")
    page.delete()
    qtbot.waitUntil(lambda: [folder.name for folder in listed.folders()] == ["b"])


def test_a_run_that_waits_says_what_it_waits_for() -> None:
    entry = Queued(Path("a"), 6 * GIB, said="5.10 GiB are free now.")
    assert why_words(entry) == "starts when 6.00 GiB are free – 5.10 GiB are free now."
    assert why_words(replace(entry, need_bytes=0, said="", overnight=True)) == (
        "starts when no other run goes on, overnight"
    )
    assert why_words(replace(entry, held=True)).startswith("held")


def test_every_control_has_a_name(qtbot: QtBot, page: RunsPage) -> None:
    make("ab")
    begin(qtbot, page)
    for chosen in ((), ("a",), ("a", "b")):
        page.table.choose(chosen)
        nameless = [
            w
            for w in page.findChildren(QWidget)
            if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus and not w.accessibleName()
        ]
        assert nameless == []


@pytest.mark.alone
def test_a_look_at_a_thousand_runs_never_holds_the_window_up(qtbot: QtBot, page: RunsPage) -> None:
    (first,) = make("a")
    files = [(file.name, file.read_bytes()) for file in first.iterdir()]
    for n in range(1000):
        folder = runs_dir() / f"b{n:04}"
        folder.mkdir()
        for name, data in files:
            (folder / name).write_bytes(data)
    begin(qtbot, page)
    assert len(page.table.keys()) == 1001
    about.write(first, About(name="new"))
    took = []
    real = page._saw

    def timed(seen: object) -> None:
        began = time.thread_time()
        real(seen)  # type: ignore[arg-type]
        took.append((time.thread_time() - began) * 1000)

    page.shelf.changed.disconnect(page._saw)
    page.shelf.changed.connect(timed)
    look(qtbot, page)
    assert took
    assert min(took) < LONGEST_MS
