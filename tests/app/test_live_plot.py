"""Live figures are built once, drawn in part, and keep up: the whole figure is drawn again only when limits change."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.pages.run.plots import LossPlot, MemoryPlot, _round_step, _time_ticks
from app.pages.run.state import RunRecord
from app.theme import theme
from planner.run.events import Memory, Started, Step
from planner.run.lock import State
from planner.units import MIB


def record_with(steps: int, total: int = 1000) -> RunRecord:
    record = RunRecord(state=State.RUNNING)
    record.feed(Started(0.0, 1, -1, total, {}, "cpu"))
    for n in range(1, steps + 1):
        add(record, n)
    return record


def add(record: RunRecord, n: int) -> None:
    loss = 2.0 + 2.0 / n
    record.feed(Step(n * 1.0, n, record.total_steps, loss, loss.hex(), 1e-4, 1.0, n * 100, 100.0, 64))
    record.feed(Memory(n * 1.0, "process", "host", 500 * MIB + n % 7 * MIB, 507 * MIB))


@pytest.fixture
def loss(qtbot: QtBot) -> LossPlot:
    plot = LossPlot()
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    plot.record = record_with(200)
    with qtbot.waitExposed(plot):
        plot.show()
    qtbot.waitUntil(lambda: plot.canvas is not None and plot.canvas.width() == plot.width())
    qtbot.waitUntil(lambda: plot.draws["whole"] > 0 and not plot.canvas._draw_pending)
    plot.changed()
    plot.draw_if_changed()
    return plot


def test_new_points_are_drawn_without_drawing_the_figure_again(loss: LossPlot) -> None:
    artists, whole = list(loss.axes.lines), loss.draws["whole"]
    for n in range(201, 221):
        add(loss.record, n)
        loss.changed()
        loss.draw_if_changed()
    assert loss.draws["whole"] == whole
    assert loss.draws["moving"] >= 20
    assert list(loss.axes.lines) == artists
    assert loss._end.get_xdata()[-1] == 220


def test_without_news_nothing_is_drawn(loss: LossPlot) -> None:
    before = dict(loss.draws)
    for _tick in range(5):
        loss.draw_if_changed()
    assert loss.draws == before


def test_a_point_beyond_the_limits_draws_the_whole_once(loss: LossPlot) -> None:
    whole = loss.draws["whole"]
    loss.record.feed(Step(300.0, 300, 1000, 9.0, (9.0).hex(), 1e-4, 1.0, 30_000, 100.0, 64))
    loss.changed()
    loss.draw_if_changed()
    assert loss.draws["whole"] == whole + 1
    assert loss.axes.get_ylim()[1] > 9.0


def test_a_hidden_figure_sleeps(loss: LossPlot) -> None:
    loss.hide()
    assert not loss._timer.isActive()
    before = dict(loss.draws)
    loss.changed()
    loss.draw_if_changed()
    assert loss.draws == before


def test_a_hundred_thousand_steps_stay_few_points(qtbot: QtBot) -> None:
    record = record_with(100_000, total=100_000)
    xs, _ys = record.raw.points()
    assert len(xs) <= 1200
    assert xs[0] <= 100
    assert xs[-1] > 99_000


def test_colours_follow_the_scheme(loss: LossPlot) -> None:
    before = theme().wish
    try:
        theme().choose("dark")
        loss.draw_whole()
        dark = loss.canvas.figure.get_facecolor()
        theme().choose("light")
        loss.draw_whole()
        light = loss.canvas.figure.get_facecolor()
    finally:
        theme().choose(before)
    assert max(dark[:3]) < 0.3 < min(light[:3])


def test_the_memory_axis_holds_what_was_said_and_what_came(qtbot: QtBot) -> None:
    plot = MemoryPlot()
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    plot.record = record_with(50)
    plot.draw_whole()
    low, high = plot.axes.get_ylim()
    assert low == 0
    assert high > 507 * MIB
    assert plot.x_end >= plot.record.seconds


def test_the_axis_tells_when_it_has_moved_so_that_the_phases_below_follow(qtbot: QtBot) -> None:
    plot = MemoryPlot()
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    plot.record = record_with(50)
    with qtbot.waitSignal(plot.refitted):
        plot.draw_whole()
    with qtbot.assertNotEmitted(plot.refitted):
        plot.draw_whole()


@pytest.mark.parametrize("top", [0.3, 1.0, 3.4, 17.0, 95.0, 999.0])
def test_marks_are_few_and_round(top: float) -> None:
    assert 2 <= top / _round_step(top) <= 5.01


@pytest.mark.parametrize("end", [1.0, 9.5, 61.0, 3599.0, 90_000.0, 3e6])
def test_time_marks_are_few(end: float) -> None:
    assert 2 <= len(_time_ticks(end)) <= 7
