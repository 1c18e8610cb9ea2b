"""A dry run and a proof by their buttons on the Plan page, with the real worker on a real model: what is shown is what
the worker found, the band narrows around what was measured, and nothing is left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.pages.plan.dry_run import STALE
from app.shell.checking import Proven, Traced
from app.shell.window import MainWindow
from app.widgets.buttons import Button
from app.widgets.fields import Number
from planner.facts.model.folder import read_folder
from planner.facts.read_data import read_data, rows
from planner.plan import Plan
from planner.run import layout, lock
from planner.run.folders import work_dir
from planner.run.home import HOME_VARIABLE
from planner.units import words
from tests.app.finding import find
from tests.small_run import small_machine
from tests.tiny_model import make_rows

LONG_MS = 120_000
pytest.importorskip("torch", reason="needs the [train] extra")


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model_dir: Path) -> MainWindow:
    """A window with a small plan of the small model, on a computer that has room whatever else this one does."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    for place in ("app.this_computer.probe", "app.shell.refreshing.Watch.machine"):
        monkeypatch.setattr(place, lambda _of=None: small_machine())
    made = MainWindow()
    qtbot.addWidget(made, before_close_func=lambda w: setattr(w, "_closing_decided", True))
    made.resize(1380, 900)
    with qtbot.waitSignal(made.filled, timeout=LONG_MS), qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    plan = plan_of(made)
    model = read_folder(tiny_model_dir)
    data = read_data(make_rows(tmp_path / "rows.jsonl", 12), model)
    counted = replace(data, lengths=token_counts(tiny_model_dir, data.path), lengths_from="counted")
    schedule = replace(plan.stage.schedule, micro_batch=2, max_length=64, threads=1, max_steps=4)
    small = replace(plan, model=model, data=counted, name="small").with_schedule(schedule)
    made.document.open_plan(small, small.stage)
    return made


def token_counts(model: Path, path: str) -> tuple[int, ...]:
    """Counted as the window does in the background, which another test is about."""
    from transformers import AutoTokenizer

    from backends.jobs.scan import tokens_of_row

    tokenizer = AutoTokenizer.from_pretrained(model)
    return tuple(tokens_of_row(tokenizer, row)[0] for row in rows(path))


def plan_of(window: MainWindow) -> Plan:
    assert window.document.plan is not None
    return window.document.plan


def click(qtbot: QtBot, window: MainWindow, name: str) -> None:
    button = find(window, Button, name)
    assert button.isEnabled(), name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait(qtbot: QtBot, happened: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(happened()), timeout=LONG_MS)


def band(window: MainWindow) -> tuple[int, int]:
    estimate = window.document.estimate
    assert estimate is not None
    return estimate.tiers[0].low_bytes, estimate.tiers[0].high_bytes


def nothing_is_left(window: MainWindow) -> bool:
    return not window.checking.job.going_on and not list(work_dir().iterdir())


def more_rows(qtbot: QtBot, window: MainWindow) -> None:
    batch = find(window, Number, "Batch")
    batch.setFocus()
    qtbot.keyClick(batch, Qt.Key.Key_Up)


@pytest.mark.usefixtures("warm_workers")
def test_a_dry_run_by_its_button_shows_what_the_worker_traced(qtbot: QtBot, window: MainWindow) -> None:
    found: list[object] = []
    window.checking.job.done.connect(found.append)
    click(qtbot, window, "Dry run")
    assert not find(window, Button, "Dry run").isEnabled()
    wait(qtbot, lambda: find(window, QLabel, "Check text").text().count("starting") == 0)
    more_rows(qtbot, window)  # the page stays usable
    assert STALE in find(window, QLabel, "Check text").text()
    wait(qtbot, lambda: nothing_is_left(window))
    assert not window.problems.isVisible(), window.problems.problem
    assert isinstance(found[0], Traced)
    result = found[0].result
    assert result.untraceable == ""
    headline = find(window, QLabel, "Dry run headline").text()
    assert headline.startswith(words(result.live_bytes))
    assert STALE in headline
    qtbot.keyClick(find(window, Number, "Batch"), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert STALE not in find(window, QLabel, "Dry run headline").text()
    facts = find(window, QLabel, "Dry run facts").text()
    assert f"{words(result.live_bytes)}, the formulas" in facts
    assert len(window.plan_page.budget.dry_run.tensors.texts()) == len(result.tensors) > 3
    assert not window.check_bar.isVisible()


def test_a_proof_narrows_the_band_around_what_was_measured_and_undo_brings_it_back(
    qtbot: QtBot, window: MainWindow
) -> None:
    found: list[object] = []
    window.checking.job.done.connect(found.append)
    before = band(window)
    steps_of_history = window.document.stack.count()
    qtbot.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert window.checking.proving
    click(qtbot, window, "Start")  # a run beside it would be measured with it
    assert window.problems.problem is not None
    assert window.problems.problem.code == "run.proof_under_way"
    window.problems.next()
    wait(qtbot, lambda: found and nothing_is_left(window))
    assert not window.problems.isVisible(), window.problems.problem
    assert isinstance(found[0], Proven)
    assert found[0].taught_nothing is None
    proof = found[0].proof
    wait(qtbot, lambda: band(window) != before)
    low, high = band(window)
    assert high - low < before[1] - before[0]
    assert low <= proof.peak_bytes <= high
    assert window.document.stack.count() == steps_of_history
    shown = window.plan_page.budget
    assert shown.proved.text() == (
        f"Proved just now on this computer: 2 steps of {proof.rows} × {proof.seq} took {words(proof.peak_bytes)}."
    )
    others = shown._bars[0]._bar.others_bytes  # type: ignore[union-attr]
    bar = shown._bars[0]._bar
    assert bar is not None
    assert (bar.low_bytes - others, bar.high_bytes - others) == (low, high)
    assert f"{words(high)}" in find(window, QLabel, "Expected memory").text()

    more_rows(qtbot, window)
    wide = band(window)
    assert wide[1] - wide[0] > high - low
    assert not shown.proved.isVisible()
    window.document.stack.undo()
    assert band(window) == (low, high)
    assert shown.proved.isVisible()


def test_a_cancelled_proof_leaves_no_worker_no_folder_and_no_figure(qtbot: QtBot, window: MainWindow) -> None:
    before = band(window)
    click(qtbot, window, "Prove it")
    wait(qtbot, lambda: list(work_dir().glob("prove-*")) and lock.is_held(next(work_dir().glob("prove-*"))))
    folder = next(work_dir().glob("prove-*"))
    assert (folder / layout.SPEC).is_file()
    click(qtbot, window, "Cancel: Check")
    wait(qtbot, lambda: nothing_is_left(window))
    assert not lock.is_held(folder)
    assert band(window) == before
    assert not window.check_bar.isVisible()
    assert not window.problems.isVisible(), window.problems.problem
    assert find(window, Button, "Prove it").isEnabled()
