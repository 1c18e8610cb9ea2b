"""What threads may not do to a window: read its work's result anywhere else, or take its widgets apart."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app import background
from app import collecting as collecting_module
from app.collecting import Collecting


@pytest.fixture
def collecting(qtbot: QtBot) -> Iterator[None]:
    owner = QObject()
    gc.enable()  # the fixture of all tests has it off already
    Collecting(owner)
    yield
    owner.deleteLater()
    gc.enable()


class Widget(QWidget):
    """In a cycle with itself, as one with a lambda on its own signal is."""

    def __init__(self) -> None:
        super().__init__()
        self.me = self


def allocate(kept: list[object]) -> None:
    """Enough for Python's own collection to come due several times, on this thread."""
    kept += [[i] for i in range(50 * gc.get_threshold()[0])]


def test_widgets_in_cycles_are_taken_apart_on_the_gui_thread_whichever_thread_allocates(
    qtbot: QtBot, collecting: None
) -> None:
    gc.collect()
    where: list[int] = []
    for _ in range(3):
        widget = Widget()
        widget.destroyed.connect(lambda: where.append(threading.get_ident()), Qt.ConnectionType.DirectConnection)
        del widget
    kept: list[object] = []
    thread = threading.Thread(target=allocate, args=(kept,))
    thread.start()
    thread.join()
    assert where == []
    qtbot.waitUntil(lambda: len(where) == 3)
    assert set(where) == {threading.get_ident()}


def test_results_and_progress_come_to_the_gui_thread_in_order_and_not_after_a_cancel(qtbot: QtBot) -> None:
    heard: list[tuple[int, object]] = []

    def hear(value: object) -> None:
        heard.append((threading.get_ident(), value))

    def work(tell: object) -> str:
        for i in range(50):
            tell(i)  # type: ignore[operator]
        return "done"

    gone = background.run(lambda: "nobody waits", hear)
    gone.cancel()
    background.run_with_progress(work, hear, hear, hear)
    qtbot.waitUntil(lambda: any(value == "done" for _, value in heard))
    assert [value for _, value in heard] == [*range(50), "done"]
    assert {thread for thread, _ in heard} == {threading.get_ident()}


def test_a_widget_that_waited_for_work_is_not_left_to_the_works_thread(qtbot: QtBot) -> None:
    """The thread ends after everyone else has forgotten the widget: it must not be the last to know it."""
    may_end = threading.Event()
    where: list[int] = []

    def begin() -> None:
        widget = QWidget()
        widget.destroyed.connect(lambda: where.append(threading.get_ident()), Qt.ConnectionType.DirectConnection)
        background.run(lambda: may_end.wait(10), lambda _result, widget=widget: None)

    begin()
    may_end.set()
    qtbot.waitUntil(lambda: bool(where))
    assert where == [threading.get_ident()]


def test_collecting_waits_for_work_on_a_thread_but_not_for_ever(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[float] = []
    monkeypatch.setattr(collecting_module, "collect_due", lambda: collected.append(now_s[0]))
    now_s = [100.0]
    monkeypatch.setattr(collecting_module.time, "monotonic", lambda: now_s[0])
    owner, may_end = QObject(), threading.Event()
    made = Collecting(owner)
    done: list[object] = []
    background.run(lambda: may_end.wait(20), done.append)
    for now_s[0] in (101.0, 104.0, 105.5, 106.0):
        made._tick()
    assert collected == [105.5]
    may_end.set()
    qtbot.waitUntil(lambda: bool(done) and not background.busy())
    now_s[0] = 106.5
    made._tick()
    assert collected == [105.5, 106.5]
    owner.deleteLater()


def test_a_result_for_a_page_that_is_gone_is_dropped_and_a_fault_of_ours_is_not(qtbot: QtBot) -> None:
    label, after = QLabel(), threading.Event()
    background.run(lambda: after.wait(10), lambda _result: label.setText("there"))
    shiboken6.delete(label)
    heard: list[object] = []
    after.set()
    background.run(lambda: "next", heard.append)
    qtbot.waitUntil(lambda: heard == ["next"])

    def breaks(_result: object) -> None:
        raise RuntimeError("a fault of ours")

    with qtbot.captureExceptions() as caught:
        background.run(lambda: "once more", breaks)
        qtbot.waitUntil(lambda: bool(caught))
    assert "a fault of ours" in str(caught[0][1])
