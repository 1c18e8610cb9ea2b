"""The trust page: chart and table show the same rows and the same pick, filters reach both, a removal can be undone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app import calibrating
from app.pages.trust import page as page_module
from app.pages.trust import taught as taught_module
from app.pages.trust.chart import TrustChart
from app.pages.trust.markers import paint_marker
from app.pages.trust.page import TrustPage
from app.pages.trust.rows import Origin, published
from app.pages.trust.taught import TaughtCard, evidence_words
from app.shell.learning import Learning
from app.shell.teaching import Teaching
from app.theme import theme
from app.widgets.combo import DETAIL, Combo
from planner.calibration import store
from planner.calibration.correction import ACTIVATIONS, CONTEXT, PROOF, Correction
from planner.calibration.said import size_in_words
from planner.calibration.store import Known
from planner.plan import Plan
from planner.run import layout
from planner.run.home import runs_dir
from planner.units import GIB, MIB
from tests.app.finding import find
from tests.app.trusted import finished_run, proved, row

MakePlan = Callable[..., Plan]
LONGEST_MS = 16.0


@pytest.fixture
def page(qtbot: QtBot) -> TrustPage:
    return shown(qtbot)


def shown(qtbot: QtBot) -> TrustPage:
    found = TrustPage()
    qtbot.addWidget(found)
    found.resize(1200, 800)
    with qtbot.waitExposed(found):
        found.show()
    qtbot.waitUntil(lambda: bool(found.state.published) and not found._looking)
    return found


def test_it_opens_with_every_published_run_in_chart_and_table(page: TrustPage) -> None:
    keys = {r.key for r in published()}
    assert {r.key for r in page.chart._rows} == keys
    assert set(page.table.keys()) == keys
    assert find(page, QLabel, "Trust sentence").text() == page.state.sentence()
    assert page.chart.accessibleDescription() == page.state.sentence()


def test_a_click_and_the_arrow_keys_pick_the_same_row_in_both(qtbot: QtBot, page: TrustPage) -> None:
    wanted = next(r for r in page.state.shown if len(r.readings) > 3)
    # of those within reach the nearest is meant
    where = page.chart.point(wanted)
    qtbot.mouseClick(page.chart, Qt.MouseButton.LeftButton, pos=where.toPoint())
    picked = page.state.selected
    assert picked == page.chart.key_at(QPointF(where.toPoint()))
    assert page.table.selected_key() == picked
    qtbot.keyClick(page.chart, Qt.Key.Key_Right)
    assert page.state.selected != picked
    assert page.table.selected_key() == page.state.selected == page.chart._selected
    page.twin.click()
    first = page.table.model().index(0, 0)
    page.table.setCurrentIndex(first)
    assert page.state.selected == page.state.shown[0].key == page.chart._selected
    assert find(page, QLabel, "Run looked at").text() == page.state.shown[0].name


def test_the_split_of_a_run_is_told_or_said_to_be_unknown(page: TrustPage) -> None:
    page.pick(next(r.key for r in page.state.shown if len(r.readings) > 3))
    told = page.detail.table.accessibleDescription()
    assert "context: said" in told
    assert "allocator: said" in told
    assert not page.detail.why_not.isVisible()
    page.pick(next(r.key for r in page.state.shown if not r.readings))
    assert page.detail.why_not.text().startswith("Only the sum was measured")
    assert page.detail.why_not.isVisible()


def test_a_filter_reaches_chart_table_and_sentence(page: TrustPage) -> None:
    combo = find(page, Combo, "Filter by technique")
    combo.opening.emit()
    entry = next(i for i in range(combo.count()) if combo.itemText(i) == "4-bit (NF4)")
    n = int(combo.itemData(entry, DETAIL))
    combo.setCurrentIndex(entry)
    combo.activated.emit(entry)
    assert combo.currentText() == "4-bit (NF4)"
    assert len(page.chart._rows) == len(page.table.keys()) == n < len(published())
    assert find(page, QLabel, "Trust sentence").text().startswith(f"{n} published runs")


def test_pointing_shows_a_row_without_picking_it(qtbot: QtBot, page: TrustPage) -> None:
    one = page.state.shown[0]
    qtbot.mouseMove(page.chart, page.chart.point(one).toPoint())
    page.chart._hover(one.key)
    assert page.detail.title.text() == one.name
    assert page.state.selected == ""
    qtbot.mouseMove(page.chart, QPoint(2, 2))
    page.chart._hover("")
    assert page.detail.title.text() == "No run is picked"


def test_own_runs_come_in_off_the_gui_thread_and_are_told_apart(qtbot: QtBot, make_plan: MakePlan) -> None:
    finished_run(runs_dir() / "mine", make_plan(), share=1.05)
    finished_run(runs_dir() / "going", make_plan(), outcome="")
    (runs_dir() / "hurt").mkdir()
    (runs_dir() / "hurt" / layout.SPEC).write_text("{")
    on: list[bool] = []
    look_at = page_module.look_at

    def watched(*given: object) -> object:
        on.append(threading.current_thread() is threading.main_thread())
        return look_at(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "look_at", watched)
        page = TrustPage()
        told: list[object] = []
        page.problem.connect(told.append)
        qtbot.addWidget(page)
        page.resize(1200, 800)
        page.show()
        qtbot.waitUntil(lambda: bool(page.state.own) and bool(page.state.published))
    assert on == [False]
    assert "your run: −4.8 %" in page.sentence.text()
    assert page.left_out.text() == "2 runs are left out: 1 damaged, 1 not finished."
    assert len(told) == 1
    page.look()
    qtbot.waitUntil(lambda: not page._looking)
    assert len(told) == 1
    assert "1 own run" in page.legend.accessibleDescription()


def test_markers_differ_in_shape_and_not_in_colour_alone() -> None:
    pictures = []
    for origin in Origin:
        image = QImage(40, 40, QImage.Format.Format_Mono)
        image.fill(1)
        p = QPainter(image)
        paint_marker(p, origin, QPointF(20, 20), 9)
        p.end()
        pictures.append(bytes(image.constBits()))
    assert len(set(pictures)) == 3


def test_five_hundred_points_are_painted_within_a_frame(qtbot: QtBot) -> None:
    rows = [replace(r, key=f"{r.key} {n}") for n in range(2) for r in published()][:500]
    chart = TrustChart()
    qtbot.addWidget(chart)
    chart.resize(800, 700)
    chart.show_rows(rows, rows[0].key, "")
    chart.grab()
    took = []
    for _try in range(5):
        image = QImage(chart.size(), QImage.Format.Format_ARGB32_Premultiplied)
        p = QPainter(image)
        began = time.thread_time()
        chart._paint_still(p)
        took.append(1000 * (time.thread_time() - began))
        p.end()
    assert min(took) < LONGEST_MS
    before = dict(chart.painted)
    chart.select(rows[3].key)
    chart.grab()
    assert chart.painted["points"] == before["points"]
    assert chart.painted["over"] > before["over"]


def test_the_picture_follows_the_scheme(qtbot: QtBot, page: TrustPage) -> None:
    light = page.chart.grab().toImage()
    theme().choose("dark")
    dark = page.chart.grab().toImage()
    theme().choose("system")
    assert light != dark


def test_every_control_has_a_name(page: TrustPage) -> None:
    for table in (False, True):
        page.twin.setChecked(table)
        nameless = [
            w
            for w in page.findChildren(QWidget)
            if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus and not w.accessibleName()
        ]
        assert nameless == []


def test_a_page_that_was_left_takes_nothing_in_any_more(page: TrustPage) -> None:
    before = page.sentence.text()
    page.leave()
    page._all_seen(page_module.Looked({}), (row("late", origin=Origin.PROOF),))
    page._take(own=[row("late", origin=Origin.RUN)])
    assert page.sentence.text() == before
    assert page.state.own == ()


# what this computer has taught

CORRECTIONS = (
    Correction(CONTEXT, "cpu A processor", 31 * MIB, 22 * MIB, 40 * MIB, ("a", "b", "c")),
    Correction(ACTIVATIONS, "cpu A processor", -120, -200, -40, ("a",)),
)


def test_a_correction_is_shown_with_amount_spread_and_evidence() -> None:
    assert size_in_words(CORRECTIONS[0]) == "+31 MiB (+22 MiB to +40 MiB)"
    assert size_in_words(CORRECTIONS[1]) == "−1.20 % (−2.00 % to −0.40 %)"
    assert evidence_words(CORRECTIONS[0]) == "from 3 runs on A processor"
    proved = replace(CORRECTIONS[0], term=PROOF, runs=("one",), plan="p")
    assert evidence_words(proved) == "from 1 proof on A processor"


def test_a_proof_is_called_by_what_was_proved(qtbot: QtBot) -> None:
    card = TaughtCard()
    qtbot.addWidget(card)
    proof = Correction(PROOF, "cpu A processor", 3 * GIB, 3 * GIB, 3 * GIB, ("p",), "0123")
    card.show_corrections([proof], {"p": "a model · LoRA"})
    card.show()
    assert "a model · LoRA, proved: 3.00 GiB" in [w.text() for w in card.findChildren(QLabel)]
    assert find(card, QWidget, "Remove a model · LoRA, proved of A processor")


def test_removing_a_correction_is_undone(qtbot: QtBot) -> None:
    card = TaughtCard()
    qtbot.addWidget(card)
    kept = list(CORRECTIONS)

    def forget(one: Correction) -> None:
        kept.remove(one)
        card.show_corrections(kept)

    def restore(one: Correction) -> None:
        kept.insert(0, one)
        card.show_corrections(kept)

    card.forget.connect(forget)
    card.restore.connect(restore)
    card.show_corrections(kept)
    card.show()
    find(card, QWidget, "Remove Context of the process of A processor").click()  # type: ignore[attr-defined]
    assert kept == [CORRECTIONS[1]]
    assert card.stack.undoText() == "remove Context of the process"
    find(card, QWidget, "Undo removing a correction").click()  # type: ignore[attr-defined]
    assert kept == list(CORRECTIONS)
    assert not card.undo.isVisible()
    names = {w.accessibleName() for w in card.findChildren(QWidget)}
    assert "Remove Context of the process of A processor" in names


def test_a_computer_that_taught_nothing_says_what_would_teach(qtbot: QtBot, tmp_path: Path) -> None:
    card = TaughtCard()
    qtbot.addWidget(card)
    card.show()
    assert card.empty.isVisible()
    card.show_corrections(CORRECTIONS)
    assert not card.empty.isVisible()


def test_what_is_taken_away_in_the_window_is_forgotten_and_comes_back(qtbot: QtBot) -> None:
    page = TrustPage()
    qtbot.addWidget(page)
    seen = proved()
    store.change(lambda _nothing: Known((seen,)))
    learning = Learning(page)
    teaching = Teaching(learning, page, page)
    acted: list[str] = []
    teaching.acted.connect(acted.append)
    page.resize(1200, 800)
    page.show()
    learning.refresh()
    qtbot.waitUntil(lambda: len(page.taught.corrections) == 3)
    qtbot.waitUntil(lambda: [r.origin for r in page.state.own] == [Origin.PROOF])
    before = page.taught.corrections
    page.taught.stack.push(taught_module._Remove(page.taught, before[0]))
    qtbot.waitUntil(lambda: page.taught.corrections == before[1:])
    assert calibrating.corrections() == before[1:]
    page.taught.undo.click()
    qtbot.waitUntil(lambda: page.taught.corrections == before)
    assert calibrating.corrections() == before
    assert acted[-1].startswith("Brought back context")
