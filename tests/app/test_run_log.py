"""The log of any length: only lines in sight are read, off the GUI thread; by kind, by text, to the end, to the clipboard."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.pages.run import log_model
from app.pages.run.log_card import LogCard
from app.pages.run.log_lines import FILTERS, line_words
from app.pages.run.log_model import BLOCK_ROWS, KEPT_BLOCKS
from app.pages.run.log_search import Asked, of_kinds, search
from planner.problem import Problem
from planner.run import layout
from planner.run.events import Checkpoint, Failed, Note
from planner.run.journal_index import JournalIndex, Kind
from tests.app.journals import long_run, write
from tests.planner.run.test_journal import EVENTS

EVERYTHING, STEPS = 1, 2


def indexed(run_dir: Path) -> JournalIndex:
    index = JournalIndex(run_dir)
    index.extend()
    return index


@pytest.fixture
def card(qtbot: QtBot) -> LogCard:
    found = LogCard()
    qtbot.addWidget(found)
    found.resize(600, 300)
    with qtbot.waitExposed(found):
        found.show()
    return found


def idle(qtbot: QtBot, card: LogCard) -> None:
    """Nothing is searched or read, and the row at the end is there."""
    qtbot.waitUntil(lambda: card._searching is None and card.model._reading is None, timeout=20_000)


def test_every_event_is_a_sentence_on_one_line() -> None:
    said = [line_words(event) for event in EVENTS]
    assert all("\n" not in line and len(line) > 12 for line in said)
    assert line_words(Checkpoint(0.0, 4, "/x", 3 * 2**20, 0.25)).endswith(
        "checkpoint of step 4 written, 3.0 MiB, 0.2 s"
    )
    assert line_words(Note(1e300, "info", "a time no calendar has")).startswith("--:--:--")
    assert "cannot be read" in line_words(Problem("journal.damaged_line", "A line.", ""))


def test_only_lines_in_sight_are_read_and_never_on_the_gui_thread(
    qtbot: QtBot, card: LogCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    threads: set[threading.Thread] = set()
    real = log_model.in_words

    def seen(index: JournalIndex, lines: list[int]) -> list[str]:
        read.extend(lines)
        threads.add(threading.current_thread())
        return real(index, lines)

    monkeypatch.setattr(log_model, "in_words", seen)
    index = indexed(write(tmp_path, long_run(20_000, every=10_000)))
    card.show_journal(index)
    card.kinds.setCurrentIndex(EVERYTHING)
    assert card.model.rowCount() == len(index) > 40_000
    qtbot.waitUntil(lambda: bool(card.model.text(len(index) - 1)))
    for share in (0.5, 0.1, 0.9):
        row = round(len(index) * share)
        card.table.scrollTo(card.model.index(row, 0))
        qtbot.waitUntil(lambda row=row: card.model.text(row) is not None)  # type: ignore[misc]
    idle(qtbot, card)
    assert threading.main_thread() not in threads
    assert len(read) < 20 * BLOCK_ROWS
    assert len(card.model._kept) <= KEPT_BLOCKS
    row = card.table.indexAt(QPoint(5, 5)).row()
    assert card.model.text(row) == line_words(index.events([row])[0])


def test_what_was_scrolled_past_is_forgotten(
    qtbot: QtBot, card: LogCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_model, "KEPT_BLOCKS", 3)
    card.show_journal(indexed(write(tmp_path, long_run(1000))))
    card.kinds.setCurrentIndex(EVERYTHING)
    for row in range(0, 2000, BLOCK_ROWS):
        qtbot.waitUntil(lambda row=row: card.model.text(row) is not None)  # type: ignore[misc]
    assert len(card.model._kept) <= 3


def test_kinds_and_text_choose_lines_and_hits_come_as_they_are_found(
    qtbot: QtBot, card: LogCard, tmp_path: Path
) -> None:
    index = indexed(write(tmp_path, long_run(9000, every=1000)))
    card.show_journal(index)
    idle(qtbot, card)
    rare = sum(kind in FILTERS[0].kinds for kind in index.kinds)
    assert card.model.rowCount() == rare == 2 + 9 * 6
    card.kinds.setCurrentIndex(STEPS)
    idle(qtbot, card)
    assert card.model.rowCount() == 9000
    grown: list[int] = []
    card.model.rowsInserted.connect(lambda _parent, _first, last: grown.append(last))
    QTest.keyClicks(card.filter, "STEP 77")
    idle(qtbot, card)
    assert card.model.rowCount() == 111  # 77, 770 to 779, 7700 to 7799
    assert len(grown) > 1
    qtbot.waitUntil(lambda: card.model.text(0) is not None)
    assert "step 77 of 9000" in str(card.model.text(0))
    assert card.count.text() == f"111 of {len(index):,} lines"
    card.filter.setText("no such words")
    idle(qtbot, card)
    assert card.model.rowCount() == 0


def test_the_newest_line_stays_in_sight_until_a_person_scrolls_up(qtbot: QtBot, card: LogCard, tmp_path: Path) -> None:
    notes = [Note(float(n), "info", f"line {n}") for n in range(60)]
    index = indexed(write(tmp_path, notes))  # type: ignore[arg-type]
    card.show_journal(index)
    bar = card.table.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    write(tmp_path, [Note(60.0, "info", "one more")])
    index.extend()
    card.show_journal(index)
    assert card.model.rowCount() == 61
    assert bar.value() == bar.maximum()
    qtbot.waitUntil(lambda: "one more" in str(card.model.text(60)))
    bar.setValue(0)
    write(tmp_path, [Note(61.0, "info", "and one")])
    index.extend()
    card.show_journal(index)
    assert bar.value() == 0
    idle(qtbot, card)


def test_chosen_lines_are_copied_from_the_keyboard(qtbot: QtBot, card: LogCard, tmp_path: Path) -> None:
    write(tmp_path, [Note(float(n), "info", f"line {n}") for n in range(9)])
    card.show_journal(indexed(tmp_path))
    card.table.setCurrentIndex(card.model.index(2, 0))
    QTest.keyClick(card.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    clipboard = QGuiApplication.clipboard()
    card.table.copy()
    qtbot.waitUntil(lambda: "line 3" in clipboard.text())
    assert [line.split("  ")[1] for line in clipboard.text().splitlines()] == ["line 2", "line 3"]


def test_a_journal_that_vanishes_is_said_in_its_lines(qtbot: QtBot, card: LogCard, tmp_path: Path) -> None:
    index = indexed(write(tmp_path, long_run(300)))
    (tmp_path / layout.EVENTS).unlink()
    card.show_journal(index)
    qtbot.waitUntil(lambda: "cannot be read" in str(card.model.text(0)))
    card.filter.setText("anything")
    idle(qtbot, card)
    assert card.model.rowCount() == 0


def test_a_search_that_is_no_longer_wanted_ends(tmp_path: Path) -> None:
    index = indexed(write(tmp_path, long_run(5000)))
    told: list[int] = []
    search(index, 0, len(index), Asked(text="step"), lambda _lines, at: told.append(at), lambda: len(told) < 2)
    assert len(told) == 2
    assert told[-1] < len(index)


def test_faults_are_a_kind_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, [Note(1.0, "info", "a"), Failed(2.0, "train", 1, Problem("x", "It failed.", ""))])
    index = indexed(tmp_path)
    assert list(of_kinds(index, 0, 2, frozenset({Kind.FAILED}))) == [1]
