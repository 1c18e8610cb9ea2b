"""What is free changes all the time: what of it reaches a plan, what a person is told, and when nobody is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.cli.hardware import in_words
from app.document import Document
from app.free_now import Steady, differs, what_changed
from app.pages.plan.state import bar
from app.shell.refreshing import EVERY_MS, SPARINGLY_MS, Refreshing
from app.shell.status import StatusBar
from planner.estimate import estimate
from planner.facts.machine import Device, Holder, MachineFacts
from planner.plan import Plan
from planner.units import GIB, MIB
from tests.app.conftest import machine_with
from tests.faults import fault


def having(free_gib: float, **holders: float) -> MachineFacts:
    """A computer with 16 GiB, so much of it free, and these programs holding so many GiB."""
    machine = machine_with(free_gib)
    others = tuple(Holder(name, round(size * GIB)) for name, size in holders.items())
    return replace(machine, devices=(replace(machine.devices[0], others=others),), ram_others=others)


def test_noise_is_no_change_and_a_per_cent_is_one() -> None:
    assert not differs(having(8.0), having(8.1))
    assert differs(having(8.0), having(8.2))
    assert not differs(having(8.0), replace(having(2.0), ram_total_bytes=0))  # a reading that failed


def test_one_reading_alone_turns_no_verdict_over() -> None:
    steady = Steady(lambda m: m.ram_available_bytes >= 8 * GIB)
    shown = having(9)
    assert steady.take(shown, having(8.5))  # the same answer
    assert not steady.take(shown, having(5))  # another: it waits
    assert not steady.take(shown, having(9))  # and it was a moment
    assert not steady.take(shown, having(5))
    assert steady.take(shown, having(5.1))  # twice in a row: it is so


def test_a_device_that_comes_or_goes_is_taken_at_once() -> None:
    steady = Steady(lambda m: len(m.devices))
    with_card = machine_with(8, kind="cuda")
    assert steady.take(with_card, replace(with_card, devices=with_card.devices[1:]))
    assert steady.take(replace(with_card, devices=with_card.devices[1:]), with_card)


@pytest.mark.parametrize(
    ("before", "now", "sentence"),
    [
        (having(8, Firefox=1.0, code=2.0), having(6.8, Firefox=2.2, code=2.0), "Firefox took 1.20 GiB of RAM"),
        (having(6, Firefox=3.0), having(8.5, Firefox=0.5), "Firefox gave back 2.50 GiB of RAM"),
        (having(6, Firefox=3.0), having(9.0), "Firefox gave back 3.00 GiB of RAM"),
        (having(8, code=1.0), having(7.9, code=1.1), ""),
        (having(8, code=1.0), having(7.0, code=1.0), "1.00 GiB less of RAM free than before"),
        # what one program took another gave back: nothing to plan with has changed
        (having(8, code=1.0, Firefox=2.0), having(8, code=2.0, Firefox=1.0), ""),
    ],
)
def test_who_took_or_gave_back_memory_is_told(before: MachineFacts, now: MachineFacts, sentence: str) -> None:
    assert what_changed(before, now) == sentence


def test_a_device_that_comes_or_goes_is_told() -> None:
    with_card = machine_with(8, kind="cuda")
    without = replace(with_card, devices=with_card.devices[1:])
    assert what_changed(with_card, without) == "A card is gone"
    assert what_changed(without, with_card) == "A card is here now"


def test_a_card_is_named_where_its_memory_is_its_own() -> None:
    def with_free(gib: float, held: float) -> MachineFacts:
        card = Device("cuda:0", "cuda", "RTX", 24 * GIB, round(gib * GIB), (Holder("game", round(held * GIB)),))
        return replace(machine_with(8), devices=(card, *machine_with(8).devices))

    assert what_changed(with_free(20, 2), with_free(17, 5)) == "game took 3.00 GiB of RTX"


WANTED = Refreshing.__dict__["wanted"]  # as it is where no test holds it


class Window(QWidget):
    """In front or not, as a test says: the offscreen platform has no other windows."""

    front = True

    def isActiveWindow(self) -> bool:
        return self.front

    def isVisible(self) -> bool:
        return True


@pytest.fixture
def follow(
    qtbot: QtBot, make_plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> tuple[Refreshing, Window, list[MachineFacts]]:
    """Follows readings that a test lays out; the last one stays."""
    readings = [machine_with(12.0)]
    asked = monkeypatch.setattr(
        "app.shell.refreshing.Watch.machine", lambda _: readings.pop(0) if len(readings) > 1 else readings[0]
    )
    assert asked is None
    monkeypatch.setattr(Refreshing, "wanted", WANTED)
    monkeypatch.setattr("app.shell.refreshing.with_corrections", lambda m: m)
    monkeypatch.setattr("app.shell.refreshing._on_battery", lambda: False)
    window, document = Window(), Document()
    qtbot.addWidget(window)
    document.setParent(window)
    document.open_plan(make_plan(), make_plan().stage)
    found = Refreshing(document, window)
    found.begin(machine_with(12.0))
    return found, window, readings


def test_every_reading_is_seen_and_the_plan_takes_what_is_more_than_noise(
    qtbot: QtBot, follow: tuple[Refreshing, Window, list[MachineFacts]]
) -> None:
    refreshing, _, readings = follow
    settled: list[MachineFacts] = []
    refreshing.settled.connect(settled.append)
    said: list[str] = []
    refreshing.acted.connect(said.append)
    readings[:] = [machine_with(11.95), machine_with(9.0)]
    for free in (11.95, 9.0):
        with qtbot.waitSignal(refreshing.seen) as seen:
            refreshing.ask()
        assert seen.args[0].ram_available_bytes == round(free * GIB)
    assert [m.ram_available_bytes for m in settled] == [9 * GIB]
    assert said == ["browser took 1.48 GiB of RAM"]
    assert refreshing._timer.isActive()
    assert refreshing._timer.interval() == EVERY_MS
    refreshing.leave()


def test_a_window_behind_another_asks_nobody(
    qtbot: QtBot, follow: tuple[Refreshing, Window, list[MachineFacts]], monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshing, window, _ = follow
    closed: list[bool] = []
    monkeypatch.setattr("app.shell.refreshing.Watch.close", lambda _: closed.append(True))
    window.front = False
    refreshing.looked_at()
    qtbot.waitUntil(lambda: bool(closed))
    assert not refreshing._timer.isActive()
    refreshing.ask()
    assert not refreshing._asking
    window.front = True
    with qtbot.waitSignal(refreshing.seen):
        refreshing.looked_at()
    refreshing.leave()


def test_on_battery_or_after_a_driver_hung_it_asks_seldom(
    qtbot: QtBot, follow: tuple[Refreshing, Window, list[MachineFacts]], monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshing, _, _ = follow
    monkeypatch.setattr("app.shell.refreshing._on_battery", lambda: True)
    with qtbot.waitSignal(refreshing.seen):
        refreshing.ask()
    assert refreshing._timer.interval() == SPARINGLY_MS
    refreshing.leave()


def test_following_is_no_step_of_the_history(
    qtbot: QtBot, follow: tuple[Refreshing, Window, list[MachineFacts]]
) -> None:
    refreshing, _, readings = follow
    document: Any = refreshing._document
    refreshing.settled.connect(document.refresh_machine)
    readings[:] = [machine_with(6.0)]
    with qtbot.waitSignal(refreshing.settled):
        refreshing.ask()
    assert document.plan.machine.ram_available_bytes == 6 * GIB
    assert document.stack.count() == 0
    assert not document.modified
    refreshing.leave()


def test_small_holders_are_not_worth_a_line() -> None:
    assert what_changed(having(8, a=1.0), having(8 - 100 * MIB / GIB, a=1.0 + 100 * MIB / GIB)) == ""


def test_swap_is_shown_and_said_to_be_no_room(qtbot: QtBot) -> None:
    swapping = replace(machine_with(6.0), swap_total_bytes=4 * GIB, swap_free_bytes=3 * GIB, notes=("A note.",))
    status = StatusBar()
    qtbot.addWidget(status)
    status.show_here(swapping, swapping.devices[0])
    assert "6.00 GiB of 16.00 GiB free" in status.machine.text()
    assert "Swap: 1.00 GiB of 4.00 GiB in use; it is no room to plan with" in status.machine_words()
    assert "A note." in status.machine_words()
    assert any(line.startswith("Swap") and "no room" in line for line in in_words(swapping))
    assert not any(line.startswith("Swap") for line in in_words(machine_with(6.0)))


def test_a_bar_says_that_swap_is_no_room_only_where_it_would_be_needed(make_plan: Callable[..., Plan]) -> None:
    def said(free_gib: float) -> str:
        plan = make_plan(free_gib)
        result = estimate(replace(plan, machine=replace(plan.machine, swap_free_bytes=8 * GIB)))
        return bar(result, result.tiers[0]).sentence

    assert "swap" in said(0.5)
    assert "swap" not in said(12.0)


@fault(
    "A card is unplugged while its plan is open",
    injected="A reading without the card follows one with it",
    seen="That the card is gone; the plan says that it has no such device, and what there is",
    lost="Nothing: with the card back the plan is as it was",
)
def test_a_plan_outlives_its_card(
    qtbot: QtBot, follow: tuple[Refreshing, Window, list[MachineFacts]], make_plan: Callable[..., Plan]
) -> None:
    refreshing, _, readings = follow
    document: Any = refreshing._document
    there = machine_with(12.0, kind="cuda")
    gone = replace(there, devices=there.devices[1:])
    plan = make_plan(kind="cuda")
    document.open_plan(plan, plan.stage)
    refreshing.begin(there)
    said: list[str] = []
    refreshing.acted.connect(said.append)
    refreshing.settled.connect(document.refresh_machine)
    refreshing.settled.connect(refreshing.begin)
    readings[:] = [there, gone]
    refreshing._last = there
    before = document.estimate
    for _ in range(2):
        with qtbot.waitSignal(refreshing.seen):
            refreshing.ask()
    assert said == ["A card is gone"]
    assert "has no device 'cuda:0'" in document.estimate.reason
    readings[:] = [there]
    with qtbot.waitSignal(refreshing.settled):
        refreshing.ask()
    assert document.estimate.reason == before.reason
    assert document.stack.count() == 0
    refreshing.leave()
