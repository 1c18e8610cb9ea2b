"""The whole program through its window: mouse and keys on widgets found by name drive the real worker on a real model.

The window is closed in mid-run and opened again; what stands on the page afterwards is held against the journal, and
the adapter is loaded in PEFT.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.pages.plan.state import view
from app.shell.pages import RUN
from app.shell.window import MainWindow
from app.widgets.buttons import Button
from app.widgets.combo import Combo
from app.widgets.fields import Number
from app.widgets.pick_field import PickField
from planner.estimate import estimate
from planner.run import journal, layout, lock
from planner.run.events import Checkpoint, Finished, Phase, Sample
from planner.run.home import HOME_VARIABLE, models_dir
from planner.run.lock import State
from planner.units import words
from tests.app.finding import find, press_when_open

LONG_MS = 120_000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def windows(qtbot: QtBot, home: Path) -> Iterator[Callable[[], MainWindow]]:
    """Opens windows; whatever worker is left at the end of a test is ended by its own pid."""
    opened: list[MainWindow] = []

    def open_one() -> MainWindow:
        window = MainWindow()
        qtbot.addWidget(window)
        window.resize(1380, 900)
        opened.append(window)
        with qtbot.waitSignal(window.filled, timeout=LONG_MS), qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        return window

    yield open_one
    for window in opened:
        run_dir = window.runner.run_dir
        window._closing_decided = True
        window.close()
        if run_dir is not None and lock.is_held(run_dir):
            os.kill(lock.holder_pid(run_dir), signal.SIGKILL)


def set_number(qtbot: QtBot, window: MainWindow, name: str, value: object) -> None:
    field = find(window, Number, name)
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, str(value))
    qtbot.keyClick(field, Qt.Key.Key_Return)


def choose_tiny_model(qtbot: QtBot, window: MainWindow, tiny_model_dir: Path) -> None:
    """Put the model where the program looks for local ones, and pick it by typing its name."""
    if not (models_dir() / "tiny").exists():
        shutil.copytree(tiny_model_dir, models_dir() / "tiny")
    field = find(window, PickField, "Model")
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: any(e.label == "tiny" for e in field.list._entries))
    qtbot.keyClicks(field.list.search, "tiny")
    with qtbot.waitSignal(window.document.changed):
        qtbot.keyClick(field.list.search, Qt.Key.Key_Return)
    assert window.document.plan is not None
    assert window.document.plan.model.name == "tiny"


def plan_small_run(qtbot: QtBot, window: MainWindow, tiny_model_dir: Path, *, steps: int, save_every: int) -> None:
    choose_tiny_model(qtbot, window, tiny_model_dir)
    set_number(qtbot, window, "Batch", 2)
    set_number(qtbot, window, "Length", 64)
    set_number(qtbot, window, "Checkpoint every", save_every)
    window.plan_page.form.schedule.form.fold.click()
    set_number(qtbot, window, "Step limit", steps)
    set_number(qtbot, window, "CPU threads", 1)


def click(qtbot: QtBot, window: MainWindow, name: str) -> None:
    button = find(window, Button, name)
    assert button.isEnabled(), name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def wait(qtbot: QtBot, happened: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(happened()), timeout=LONG_MS)


def test_one_click_trains_and_a_closed_window_finds_its_run_again(
    qtbot: QtBot, windows: Callable[[], MainWindow], tiny_model_dir: Path
) -> None:
    window = windows()
    plan_small_run(qtbot, window, tiny_model_dir, steps=40, save_every=10)
    said = window.document.estimate
    assert said is not None
    click(qtbot, window, "Start")
    wait(qtbot, lambda: window.pages.currentIndex() == RUN and window.runner.record.step >= 3)
    assert find(window, QLabel, "Steps").text().endswith("of 40")
    click(qtbot, window, "Pause")
    wait(qtbot, lambda: window.runner.record.paused)
    assert "it keeps" in find(window, QLabel, "Phase").text()
    run_dir = window.runner.run_dir
    assert run_dir is not None
    held_at = window.runner.record.step
    assert held_at < 40

    press_when_open(qtbot, "Cancel")
    window.close()
    assert window.isVisible()
    press_when_open(qtbot, "Leave it running")
    window.close()
    assert not window.isVisible()
    assert lock.is_held(run_dir)

    again = windows()
    wait(qtbot, lambda: again.runner.record.paused)
    assert again.runner.run_dir == run_dir
    assert again.runner.record.step == held_at
    again.show_page(RUN)
    click(qtbot, again, "Resume")
    wait(qtbot, lambda: again.runner.record.state is State.FINISHED and again.runner.record.finished)

    events = journal.read_all(run_dir).events
    steps = journal.steps(events)
    record = again.runner.record
    assert [s.step for s in steps] == list(range(1, 41))
    assert record.raw.points() == ([float(s.step) for s in steps], [s.loss for s in steps])
    assert {e.step for e in events if isinstance(e, Checkpoint)} == {10, 20, 30, 40}
    assert [e.when for e in events if isinstance(e, Sample)] == ["before", "after"]
    finished = next(e for e in events if isinstance(e, Finished))
    sentence = find(again, QLabel, "Said and took sentence").text()
    assert sentence == finished.sentence
    assert words(said.tiers[0].peak_bytes) in sentence
    assert record.took_bytes == finished.measured["peak_bytes"]
    before, after = (find(again, QPlainTextEdit, f"{n} answer").toPlainText() for n in ("First", "Second"))
    samples = [e.text.strip() for e in events if isinstance(e, Sample)]
    assert [before, after] == samples
    wait(qtbot, lambda: again.run_page.loss.canvas and again.run_page.loss._smooth.get_xdata()[-1] == 40)
    assert_loads_in_peft(tiny_model_dir, run_dir)


def assert_loads_in_peft(model_dir: Path, run_dir: Path) -> None:
    """The result is an adapter that the library loads, and it is not the untrained one."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model_dir)
    with warnings.catch_warnings():  # peft 0.21 asks a property by the name that transformers 5.23 calls old
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        tuned = PeftModel.from_pretrained(base, run_dir / layout.RESULT)
    b = [p for name, p in tuned.named_parameters() if "lora_B" in name]
    assert b
    assert any(float(p.detach().abs().max()) > 0 for p in b)


@pytest.mark.usefixtures("warm_workers")
def test_a_worker_killed_from_outside_is_named_and_resumed_by_a_button(
    qtbot: QtBot, windows: Callable[[], MainWindow], tiny_model_dir: Path
) -> None:
    window = windows()
    plan_small_run(qtbot, window, tiny_model_dir, steps=30, save_every=5)
    click(qtbot, window, "Start")
    wait(qtbot, lambda: window.runner.record.checkpoints)
    click(qtbot, window, "Pause")
    wait(qtbot, lambda: window.runner.record.paused)
    run_dir = window.runner.run_dir
    assert run_dir is not None
    os.kill(lock.holder_pid(run_dir), signal.SIGKILL)
    wait(qtbot, lambda: window.problems.isVisible())
    assert window.problems.problem is not None
    assert window.problems.problem.code == "worker.died"
    assert "the system ended it" in window.problems.fact.text()
    assert find(window, QLabel, "Run state").text().endswith("lost")
    assert window.problems.button.text().startswith("Resume from step ")
    click(qtbot, window, "Resume run")
    wait(qtbot, lambda: window.runner.record.state is State.FINISHED)
    steps = journal.steps(journal.read_all(run_dir).events)
    xs, ys = window.runner.record.raw.points()
    assert xs == list(range(1, 31))
    assert ys == [s.loss for s in steps]
    assert not window.problems.isVisible()


@pytest.mark.usefixtures("warm_workers")
def test_stop_saves_after_a_second_press_and_release_gives_the_memory_back(
    qtbot: QtBot, windows: Callable[[], MainWindow], tiny_model_dir: Path
) -> None:
    window = windows()
    plan_small_run(qtbot, window, tiny_model_dir, steps=100, save_every=50)
    click(qtbot, window, "Start")
    wait(qtbot, lambda: window.runner.record.step >= 2)
    click(qtbot, window, "Pause")
    wait(qtbot, lambda: window.runner.record.paused)
    release = find(window, Button, "Release memory")
    assert words(window.runner.record.held_bytes) in release.text()
    qtbot.mouseClick(release, Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: window.runner.record.state is State.RELEASED)
    run_dir = window.runner.run_dir
    assert run_dir is not None
    assert not lock.is_held(run_dir)
    click(qtbot, window, "Resume run")
    wait(qtbot, lambda: window.runner.record.live and window.runner.record.phase == "train")
    press_when_open(qtbot, "Stop and save")
    click(qtbot, window, "Stop…")
    wait(qtbot, lambda: window.runner.record.state is State.FINISHED)
    finished = window.runner.record.finished
    assert finished is not None
    assert finished.outcome == "stopped"
    assert (run_dir / layout.RESULT / "adapter_model.safetensors").is_file()
    assert find(window, QLabel, "Run state").text().endswith("stopped, saved")


@pytest.mark.usefixtures("warm_workers")
def test_a_run_that_does_not_fit_starts_anyway(
    qtbot: QtBot, windows: Callable[[], MainWindow], tiny_model_dir: Path
) -> None:
    from dataclasses import replace

    window = windows()
    plan_small_run(qtbot, window, tiny_model_dir, steps=2, save_every=10)
    assert window.document.plan is not None
    machine = window.document.plan.machine
    device = replace(machine.devices[-1], free_bytes=1 << 20)
    crowded = replace(machine, ram_available_bytes=1 << 20, devices=(*machine.devices[:-1], device))
    window.document.refresh_machine(crowded)
    assert find(window, QLabel, "Verdict").text().startswith("Does not fit")
    qtbot.keyClick(window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    wait(qtbot, lambda: window.runner.record.state is State.FINISHED)
    phases = [e.phase for e in journal.read_all(window.runner.run_dir).events if isinstance(e, Phase)]  # type: ignore[arg-type]
    assert "train" in phases
    out = window.runner.run_dir / "exported"  # type: ignore[operator]
    window.files.export_to(out)
    wait(qtbot, lambda: (out / "README.md").exists())
    compile((out / "train.py").read_text(), "train.py", "exec")


@pytest.mark.slow
def test_the_embedded_model_trains_from_the_preset_by_one_click(
    qtbot: QtBot, windows: Callable[[], MainWindow], real_model_dir: Path, home: Path
) -> None:
    """`real_model_dir` is asked before `home` moves, so it names the person's own copy."""
    folder = home / "models" / real_model_dir.name
    folder.parent.mkdir(parents=True)
    folder.symlink_to(real_model_dir, target_is_directory=True)
    window = windows()
    assert window.document.plan is not None
    assert window.document.plan.model.path
    trained = find(window, Combo, "Trained")
    assert trained.currentText() == "LoRA"
    window.plan_page.form.schedule.form.fold.click()
    set_number(qtbot, window, "Step limit", 3)
    said = window.document.estimate
    assert said is not None
    assert view(said).headline.startswith(("Fits", "Tight"))
    click(qtbot, window, window.plan_page.start.accessibleName())
    qtbot.waitUntil(lambda: window.runner.record.state is State.FINISHED, timeout=900_000)
    record = window.runner.record
    assert record.finished is not None
    xs, ys = record.raw.points()
    assert xs == [1, 2, 3]
    assert all(math.isfinite(y) for y in ys)
    # the plan that was run is the plan that was shown
    assert record.spec is not None
    assert estimate(record.spec.plan).tiers[0].peak_bytes == said.tiers[0].peak_bytes
    focused: QWidget | None = QApplication.focusWidget()
    assert focused is not None
    assert_loads_in_peft(real_model_dir, window.runner.run_dir)  # type: ignore[arg-type]
