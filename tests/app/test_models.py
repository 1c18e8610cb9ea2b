"""The model field and what leads to a model: a dropped GGUF file, an unfinished download, an adapter, the Hub on request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QListView
from pytestqt.qtbot import QtBot

from app.shell import dropping
from app.shell.window import MainWindow
from app.widgets.buttons import Button
from app.widgets.combo import DETAIL, HEADING
from app.widgets.fields import TextField
from app.widgets.pick_field import PickField
from planner.facts.model.hub_cache import cached
from planner.plan import Plan
from planner.run.home import models_dir
from tests.app.finding import find
from tests.gguf_files import write_gguf
from tests.hub_server import Hub, hub_of
from tests.tiny_model import make_tiny_model

pytest.importorskip("torch", reason="needs the [train] extra")
pytest.importorskip("gguf", reason="needs the [train] extra")
LONG_MS = 60_000


@pytest.fixture
def hub(tiny_model_dir: Path, tmp_path: Path) -> Iterator[Hub]:
    """The Hub with one model, and a cache of this test's own."""
    with hub_of({"org/tiny": tiny_model_dir}, tmp_path / "hf") as found:
        yield found


@pytest.fixture
def window(qtbot: QtBot, hub: Hub) -> Iterator[MainWindow]:
    found = MainWindow()
    qtbot.addWidget(found)
    found.resize(1300, 900)
    with qtbot.waitSignal(found.filled, timeout=LONG_MS), qtbot.waitActive(found):
        found.show()
        found.activateWindow()
    found.problems.drop("machine.")  # what this computer could not say of itself on a busy day
    yield found
    found._closing_decided = True
    found.close()


def plan_of(window: MainWindow) -> Plan:
    assert window.document.plan is not None
    return window.document.plan


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(QPoint(9, 9)), action, data, button, Qt.KeyboardModifier.NoModifier))


def code_of(window: MainWindow) -> str:
    return window.problems.problem.code if window.problems.problem else ""


def lines(window: MainWindow) -> list[tuple[str, str, bool]]:
    """(name, detail, whether it can be picked) of each line of the open list."""
    model = window.plan_page.form.what.model.list.view.model()
    rows = [model.index(n, 0) for n in range(model.rowCount())]
    return [(str(i.data()), str(i.data(DETAIL) or ""), bool(model.flags(i) & Qt.ItemFlag.ItemIsEnabled)) for i in rows]


def open_models(qtbot: QtBot, window: MainWindow, ready: str) -> None:
    """Open the field's list and wait until a line is there."""
    find(window, PickField, "Model").open_list()
    qtbot.waitUntil(lambda: any(ready in name for name, _, _ in lines(window)), timeout=LONG_MS)


def choose(qtbot: QtBot, window: MainWindow, typed: str, wanted: str) -> None:
    """Type into the search line, and press Return on the wanted line, as a person does."""
    found = window.plan_page.form.what.model.list
    search = find(found, TextField, "Search Model")
    search.clear()
    qtbot.keyClicks(search, typed)
    view = find(found, QListView, "Model list")
    for _ in range(len(lines(window))):
        if str(view.currentIndex().data()) == wanted:
            break
        qtbot.keyClick(search, Qt.Key.Key_Down)
    qtbot.keyClick(search, Qt.Key.Key_Return)


def test_a_dropped_gguf_file_is_planned_at_once(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "packed.gguf")
    assert dropping.in_words(path) == "Drop to take packed.gguf as the model"
    drop(window, path)
    qtbot.waitUntil(lambda: plan_of(window).model.name == "packed", timeout=LONG_MS)
    assert plan_of(window).model.source == "gguf"
    assert window.document.estimate is not None
    assert window.document.estimate.lines
    assert "GGUF" in window.plan_page.form.what.model_words.text()
    window.start()
    qtbot.waitUntil(window.activity.go.isVisible, timeout=LONG_MS)
    assert "of memory while it is made" in window.activity.text.text()
    assert not (models_dir() / "converted").exists()
    window.activity.done()
    path.write_bytes(path.read_bytes()[:3000])
    drop(window, path)
    qtbot.waitUntil(lambda: code_of(window) == "gguf.cut_short", timeout=LONG_MS)
    assert plan_of(window).model.name == "packed"


def test_the_list_has_its_sections_and_says_what_is_not_whole(qtbot: QtBot, window: MainWindow) -> None:
    own = models_dir()
    make_tiny_model(own / "mine")
    write_gguf(own / "packed.gguf")
    cut = make_tiny_model(own / "half") / "model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-9])
    pickled = own / "old"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    open_models(qtbot, window, "mine")
    model = window.plan_page.form.what.model.list.view.model()
    heads = [str(model.index(n, 0).data()) for n in range(model.rowCount()) if model.index(n, 0).data(HEADING)]
    assert heads == ["ON THIS COMPUTER", "EMBEDDED", "CATALOGUE: PLAN BY SHAPE", "ANOTHER ONE"]
    qtbot.waitUntil(lambda: all("fits" in d for n, d, _ in lines(window) if n in ("mine", "packed")), timeout=LONG_MS)
    told = {name: (detail, able) for name, detail, able in lines(window)}
    assert told["old"][1] is False
    assert "pickle" in told["old"][0]
    assert told["half"] == ("not all here", True)
    assert told["mine"][0].startswith("2")  # its size on the disk, then what it needs
    choose(qtbot, window, "half", "half")
    problem = window.problems.problem
    assert problem is not None
    assert problem.code == "model.unfinished"
    assert "cut short" in problem.advice
    assert plan_of(window).model.name != "half"


def test_a_download_tells_its_size_before_anything_is_fetched(qtbot: QtBot, window: MainWindow, hub: Hub) -> None:
    open_models(qtbot, window, "Download by Hub name…")
    choose(qtbot, window, "org/tiny", "Download by Hub name…")
    bar = window.download_bar
    qtbot.waitUntil(lambda: bar.go.isVisible(), timeout=LONG_MS)
    assert "org/tiny: 6 files" in bar.text.text()
    assert "are free in" in bar.text.text()
    assert "model.safetensors" in bar.text.toolTip()
    assert hub.fetched() == []
    assert cached() == ()
    qtbot.mouseClick(find(bar, Button, "Download"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: plan_of(window).model.name == "org/tiny", timeout=LONG_MS)
    assert [m.state for m in cached()] == ["whole"]
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=LONG_MS)


def test_what_was_refused_is_listed_and_leads_to_where_to_agree(
    qtbot: QtBot, window: MainWindow, hub: Hub, tmp_path: Path
) -> None:
    asked = tmp_path / "hf" / "hub" / "models--org--tiny" / "refs"
    asked.mkdir(parents=True)
    (asked / "main").write_text("0" * 40)
    hub.gated.add("org/tiny")
    open_models(qtbot, window, "org/tiny")
    choose(qtbot, window, "org", "org/tiny")
    assert window.problems.problem is not None
    assert f"{hub.address}/org/tiny" in window.problems.problem.advice
    qtbot.mouseClick(find(window.problems, Button, "Look at the download…"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: code_of(window) == "download.gated", timeout=LONG_MS)
    assert hub.fetched() == []
    qtbot.waitUntil(lambda: not window.downloading.going_on, timeout=LONG_MS)
