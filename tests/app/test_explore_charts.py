"""The Explore page's charts: points where their figures are, a load line that is dragged without painting a point anew,
every figure within reach of the keyboard, and nothing slow on the GUI thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QKeyEvent, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.pages.explore import picture, preparing, scatter
from app.pages.explore.axis import Axis
from app.pages.explore.heat_map import HeatData, HeatMap, tokens
from app.pages.explore.marks import LEAST_CONTRAST, STYLES, contrast, entries, group_ink, groups_of
from app.pages.explore.picture import Look, Prepared, prepare
from app.pages.explore.points import MOST_GROUPS, Placed, ScatterData
from app.pages.explore.scatter import Scatter
from app.theme import colour, theme
from app.widgets.markers import Ink, Legend, Marker, paint_marker
from planner.explore.explored import Floats, Mask
from planner.units import GIB, MIB

MANY = 120_000
FRAME_MS = 16.0
DRAG_MS = 4.0
OWN = 16 * GIB
NAMES = ("full", "LoRA", "DoRA")


def data_of(x_gib: list[float] | Floats, y: list[float] | Floats, **changes: object) -> ScatterData:
    x, costs = np.asarray(x_gib, np.float64) * GIB, np.asarray(y, np.float64)
    order = np.argsort(x, kind="stable")
    best = np.minimum.accumulate(np.nan_to_num(costs[order], nan=np.inf))
    better = np.concatenate([[True], best[1:] < best[:-1]]) if len(x) else np.zeros(0, bool)
    made = ScatterData(
        x=x,
        y=costs,
        group=np.arange(len(x)) % len(NAMES),
        groups=groups_of(NAMES),
        among=np.ones(len(x), bool),
        frontier=order[better],
        budget_bytes=OWN,
        capacity_bytes=24 * GIB,
        y_title="Hours per epoch",
        y_words=lambda hours: f"{hours:g}",
        sentence="Plans.",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def many(rows: int = MANY, seed: int = 1) -> ScatterData:
    """As exploring gives them: in clumps, most of them cheap, some far beyond any card."""
    random = np.random.default_rng(seed)
    tokens_k = 2.0 ** random.integers(-1, 10, rows)
    x = 5 + 12 * random.random(rows) ** 2 + tokens_k * (0.05 + 0.4 * random.random(rows) ** 2)
    return data_of(x, 3 / (1 + np.log2(1 + tokens_k)) * (1 + random.random(rows) ** 2))


FEW = data_of([4, 6, 8, 10, 12, 20, 22, 9], [4, 3, 2.5, 2, 1, 0.5, 0.25, 3.5])


@pytest.fixture
def chart(qtbot: QtBot) -> Scatter:
    return shown(qtbot, FEW)


def shown(qtbot: QtBot, data: ScatterData, width: int = 700, height: int = 560) -> Scatter:
    made = Scatter()
    qtbot.addWidget(made)
    made.resize(width, height)
    made.show_data(data)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: made.ready)
    made.grab()
    return made


@pytest.fixture
def look() -> Look:
    inks = tuple(group_ink(i, opacity=0.7) for i in range(len(NAMES)))
    return Look(4.0, 11.0, inks, QColor("#131d27"), QColor("#ffffff"))


def beside(a: QColor, b: QColor) -> float:
    """How far two colours are apart, 0 to 1."""
    return max(abs(x - y) for x, y in zip(a.getRgbF()[:3], b.getRgbF()[:3], strict=True))  # type: ignore[index]


def pixels(image: QImage, ground: str = "#ffffff") -> Floats:
    """Of a picture laid on a ground, (height, width, 3), 0 to 255."""
    flat = QImage(image.size(), QImage.Format.Format_RGB32)
    flat.fill(QColor(ground))
    p = QPainter(flat)
    copy = QImage(image)
    copy.setDevicePixelRatio(1)
    p.drawImage(0, 0, copy)
    p.end()
    found: Floats = np.frombuffer(flat.constBits(), np.uint8).reshape(flat.height(), flat.width(), 4)[..., :3] * 1.0
    return found


# points


def test_a_point_stands_where_its_figures_are(chart: Scatter) -> None:
    image = chart.grab().toImage()
    card, row = image.pixelColor(chart.plot().left() + 3, chart.plot().top() + 3), 7  # no frontier ring covers it
    at = chart.point(row).toPoint()
    strength = scatter.STRENGTH
    meant = group_ink(int(FEW.group[row])).fill
    wanted = QColor.fromRgbF(
        *(strength * m + (1 - strength) * c for m, c in zip(meant.getRgbF()[:3], card.getRgbF()[:3], strict=True))  # type: ignore[index]
    )
    assert beside(image.pixelColor(at), wanted) < 0.03
    plot = chart.plot()
    places = [chart.point(i) for i in range(7)]
    assert [p.x() for p in places] == sorted(p.x() for p in places)  # more memory is farther right
    assert [p.y() for p in places] == sorted(p.y() for p in places)  # a smaller cost is lower
    halves = [chart.point(i).y() for i in (0, 3, 4, 5)]  # 4, 2, 1 and 0.5: on an axis of ratios, equal steps
    assert np.allclose(np.diff(halves), halves[1] - halves[0])
    assert all(plot.contains(p.toPoint()) for p in places)


def test_what_does_not_fit_is_pale_and_still_there(qtbot: QtBot) -> None:
    data = data_of([4, 8, 20], [1, 2, 2], group=np.array([0, 0, 0]))
    chart = shown(qtbot, data)
    image = chart.grab().toImage()
    x_of = [chart.point(i).toPoint() for i in (1, 2)]
    grounds = [image.pixelColor(p + QPoint(0, -14)) for p in x_of]
    fits, beyond = (beside(image.pixelColor(p), g) for p, g in zip(x_of, grounds, strict=True))
    assert 0.04 < beyond < 0.5 * fits
    chart.set_line(22 * GIB)
    image = chart.grab().toImage()
    assert beside(image.pixelColor(x_of[1]), image.pixelColor(x_of[0])) < 0.02


def test_the_ground_beyond_the_line_is_another_and_the_axes_have_words(qtbot: QtBot, chart: Scatter) -> None:
    image, plot = chart.grab().toImage(), chart.plot()
    left, right = plot.topLeft() + QPoint(5, 5), plot.topRight() + QPoint(-5, 5)
    assert image.pixelColor(left) != image.pixelColor(right)
    ground = image.pixelColor(2, plot.center().y())
    marks = FEW.axes[1].ticks(8, FEW.y_words)
    for words in ("", "888"):  # without words there is no ink left of the plot
        chart.show_data(replace(FEW, y_words=lambda _, words=words: words))
        image = chart.grab().toImage()
        inked = {
            y
            for y in range(plot.top() + 12, plot.bottom())
            for x in range(scatter.em(), plot.left() - 4)
            if beside(image.pixelColor(x, y), ground) > 0.3
        }
        assert bool(inked) == bool(words)
    assert len(inked) >= 4 * (len(marks) - 1)


def test_the_frontier_is_a_staircase_through_its_plans(look: Look) -> None:
    size = QSize(400, 300)
    data = data_of([4, 8, 12], [4, 2, 1])
    drawn = pixels(prepare(data, size, 1.0, look).pale)
    a, b, _ = picture.frontier_places(data, size)
    corner = (round(b.x()) + look.margin, round(a.y()) + look.margin)
    under = (round((a.x() + b.x()) / 2) + look.margin, round((a.y() + b.y()) / 2) + look.margin)
    assert drawn[corner[1], corner[0]].mean() < 150  # dark: beyond the load line, too
    assert drawn[under[1], under[0]].mean() > 250


def test_thinning_keeps_every_frontier_plan_and_every_occupied_cell() -> None:
    data = many(30_000)
    placed = Placed.of(data, 500, 400, 10)
    side = 3.0
    kept = placed.worth_painting(data.group, len(data.groups), side, data.frontier)
    assert len(kept) < 0.7 * len(placed.rows)
    assert set(data.frontier.tolist()) <= set(placed.rows[kept].tolist())
    assert placed.rows[kept[-len(data.frontier) :]].tolist() != []

    def cells(at: np.ndarray) -> set[tuple[int, ...]]:
        columns = (placed.px[at] // side, placed.py[at] // side, data.group[placed.rows[at]])
        return set(zip(*(c.astype(int).tolist() for c in columns), strict=True))

    assert cells(kept) == cells(np.arange(len(placed.rows)))
    assert len(kept) == len(set(kept.tolist()))


def test_thinning_changes_a_picture_less_than_another_order_of_the_same_plans(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, size = many(20_000), QSize(360, 240)
    order = np.random.default_rng(2).permutation(len(data.x))
    again = replace(
        data, x=data.x[order], y=data.y[order], group=data.group[order], frontier=np.argsort(order)[data.frontier]
    )
    thin = prepare(data, size, 1.0, look)
    monkeypatch.setattr(picture, "THIN", 0.02)
    whole, other = (prepare(d, size, 1.0, look) for d in (data, again))
    assert thin.markers < 0.8 * whole.markers
    a, b, c = (pixels(made.strong) for made in (thin, whole, other))
    assert np.abs(a - b).mean() < 0.6 * np.abs(c - b).mean()
    empty = [(x == 255).all(axis=2) for x in (a, b)]
    assert (empty[0] == empty[1]).mean() > 0.995


def test_the_picture_prepared_off_the_gui_thread_is_the_same(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []

    def watched(*given: object) -> Prepared:
        threads.append(threading.current_thread() is threading.main_thread())
        return prepare(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(preparing, "prepare", watched)
    chart = shown(qtbot, many(5_000))
    assert threads == [False]
    made = chart._shown
    assert made is not None
    here = prepare(made.data, made.size, made.ratio, made.look)
    assert here.strong == made.strong
    assert here.pale == made.pale != made.strong


def test_a_screen_with_more_pixels_gets_a_picture_with_more(look: Look) -> None:
    one, two = (prepare(FEW, QSize(200, 150), ratio, look) for ratio in (1.0, 2.0))
    assert two.strong.size() == 2 * one.strong.size()
    small = two.strong.scaled(
        one.strong.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    assert np.abs(pixels(small) - pixels(one.strong)).mean() < 2


# the load line


def drag(qtbot: QtBot, chart: Scatter, to: list[int]) -> None:
    y = chart.line.height() // 2
    qtbot.mousePress(chart.line, Qt.MouseButton.LeftButton, pos=QPoint(chart.line.reach(), y))
    for x in to:
        chart.line.drag_to(x)  # what a move of the pointer comes to, whichever widget gets it
        QApplication.processEvents()
    qtbot.mouseRelease(chart.line, Qt.MouseButton.LeftButton, pos=QPoint(chart.line.reach(), y))


def test_dragging_tells_every_step_and_paints_no_point_anew(qtbot: QtBot, chart: Scatter) -> None:
    dragged: list[int] = []
    dropped: list[int] = []
    chart.line_dragged.connect(dragged.append)
    chart.line_dropped.connect(dropped.append)
    before, plot = dict(chart.painted), chart.plot()
    picture_before = chart._shown
    drag(qtbot, chart, [plot.left() + round(plot.width() * share) for share in (0.5, 0.4, 0.3, 0.2)])
    assert dragged == sorted(dragged, reverse=True)
    assert len(dragged) == 4
    assert dropped == [dragged[-1]] == [chart.line_bytes]
    axis = FEW.axes[0]
    pixel = axis.value(1 / plot.width()) - axis.value(0)
    assert abs(chart.line_bytes - axis.value(0.2)) <= 1.5 * pixel
    assert chart._shown is picture_before
    assert (chart.painted["points"], chart.painted["ground"]) == (before["points"], before["ground"])
    assert chart.painted["over"] >= before["over"] + 4


def test_a_dragged_line_finds_back_to_what_the_machine_has(qtbot: QtBot) -> None:
    chart = shown(qtbot, replace(FEW, budget_bytes=OWN + 12_345))
    own = round(chart.line.x_of(chart.line_bytes))
    drag(qtbot, chart, [own - 90, own + 2])
    assert chart.line_bytes == OWN + 12_345
    drag(qtbot, chart, [own - 90, own + 9])
    assert chart.line_bytes > OWN + 12_345


def test_a_line_that_was_only_touched_tells_nothing(qtbot: QtBot, chart: Scatter) -> None:
    with qtbot.assertNotEmitted(chart.line_dropped), qtbot.assertNotEmitted(chart.line_dragged):
        drag(qtbot, chart, [])


def test_the_line_is_dragged_anywhere_along_its_length(qtbot: QtBot, chart: Scatter) -> None:
    dropped: list[int] = []
    chart.line_dropped.connect(dropped.append)
    x, y = round(chart.line.x_of(chart.line_bytes)), chart.plot().center().y()
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    qtbot.mouseMove(chart, QPoint(x - 120, y))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=QPoint(x - 120, y))
    assert len(dropped) == 1
    assert dropped[0] < OWN
    assert abs(chart.line.x_of(chart.line_bytes) - (x - 120)) <= 2


def test_the_line_moves_by_keys_and_home_brings_it_back(qtbot: QtBot, chart: Scatter) -> None:
    dragged: list[int] = []
    dropped: list[int] = []
    chart.line_dragged.connect(dragged.append)
    chart.line_dropped.connect(dropped.append)
    chart.line.setFocus()
    qtbot.keyClick(chart.line, Qt.Key.Key_Right)
    one = chart.line_bytes - OWN
    qtbot.keyClick(chart.line, Qt.Key.Key_Left)
    assert chart.line_bytes == OWN
    qtbot.keyClick(chart.line, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert 0 < one < OWN - chart.line_bytes
    assert dropped == dragged
    assert "what if" in chart.line.accessibleDescription()
    qtbot.keyClick(chart.line, Qt.Key.Key_Home)
    assert chart.line_bytes == OWN == dropped[-1]
    assert "what this machine has" in chart.line.accessibleDescription()


def test_a_held_key_is_let_go_once(chart: Scatter) -> None:
    dropped: list[int] = []
    chart.line_dropped.connect(dropped.append)
    for auto in (False, True, True):
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            if kind == QEvent.Type.KeyRelease and not auto:
                continue
            key = QKeyEvent(kind, Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, "", auto)
            QApplication.sendEvent(chart.line, key)
    assert dropped == []
    last = QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(chart.line, last)
    assert dropped == [chart.line_bytes]


def test_a_double_click_on_the_handle_brings_the_line_back(qtbot: QtBot, chart: Scatter) -> None:
    chart.set_line(8 * GIB)
    assert "8.0 · what if" in chart.line.text
    with qtbot.waitSignal(chart.line_dropped) as told:
        qtbot.mouseDClick(chart.line, Qt.MouseButton.LeftButton)
    assert told.args == [OWN]
    assert chart.line.text == "16.0 · drag me"


def test_the_handle_is_a_slider_in_mib_to_assistive_programs(qtbot: QtBot, chart: Scatter) -> None:
    face = QAccessible.queryAccessibleInterface(chart.line)
    assert face.role() == QAccessible.Role.Slider
    assert chart.line.value() == OWN // MIB
    with qtbot.waitSignal(chart.line_dropped) as told:
        chart.line.setValue(8 * 1024)  # as such a program does
    assert told.args == [8 * GIB]
    assert chart.line_bytes == 8 * GIB


def test_the_handle_stays_inside_at_both_ends(chart: Scatter) -> None:
    for size in (0, GIB // 4, 16 * GIB, 400 * GIB):
        chart.set_line(size)
        inner = chart.rect().adjusted(-1, -1, 1, 1)
        assert inner.contains(chart.line.geometry()), size


def test_the_line_stays_where_it_was_put_while_filters_change(qtbot: QtBot, chart: Scatter) -> None:
    chart.set_line(8 * GIB)
    chart.show_data(replace(FEW, among=FEW.group == 0))
    assert chart.line_bytes == 8 * GIB
    chart.show_data(replace(FEW, budget_bytes=10 * GIB))
    assert chart.line_bytes == 10 * GIB
    qtbot.waitUntil(lambda: chart.ready)


# pointing and keys


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 300))
@settings(max_examples=25, deadline=None)
def test_the_nearest_plan_is_the_nearest_of_all_within_reach(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    among: Mask = random.random(rows) < 0.6
    data = data_of(1 + 20 * random.random(rows), 1 + random.random(rows), among=among)
    placed = Placed.of(data, 300, 200, 12)
    for x, y in random.random((20, 2)) * (320, 220) - 10:
        far = np.hypot(placed.px - x, placed.py - y)
        wanted = int(placed.rows[far.argmin()]) if len(far) and far.min() <= 12 else -1
        assert placed.nearest(x, y) == wanted
    assert among[placed.rows].all()


def test_pointing_means_only_plans_that_the_filters_leave(qtbot: QtBot, chart: Scatter) -> None:
    told: list[int] = []
    chart.hovered.connect(told.append)
    at = chart.point(4).toPoint()
    qtbot.mouseMove(chart, at)
    assert told == [4]
    among = np.isin(np.arange(len(FEW.x)), [2, 3])
    chart.show_data(replace(FEW, among=among))
    assert chart.row_at(QPointF(at)) == -1  # at once, before the new picture is there
    qtbot.waitUntil(lambda: chart.ready)
    assert chart.row_at(QPointF(at)) == -1
    assert chart.point(4).toPoint() == at  # a filter moves no point, not even if only middling ones are left


def test_other_plans_take_the_place_of_these_at_once(qtbot: QtBot, chart: Scatter) -> None:
    chart.select(6)
    chart._hover(7)
    at = chart.point(7)
    with qtbot.waitSignal(chart.hovered) as told:
        chart.show_data(data_of([5, 7], [1, 2]))
    assert told.args == [-1]
    assert chart.row_at(at) == -1  # the old picture is not there any more, nor what was picked in it
    assert chart._selected == -1
    chart.grab()
    qtbot.waitUntil(lambda: chart.ready)
    assert chart.row_at(chart.point(1)) == 1


def test_a_chart_that_nobody_sees_paints_no_points(qtbot: QtBot) -> None:
    chart = Scatter()
    qtbot.addWidget(chart)
    chart.resize(400, 300)
    chart.show_data(FEW)
    assert chart._preparing._under_way is None
    with qtbot.waitSignal(chart.prepared):
        chart.show()


def test_a_click_picks_and_a_double_click_takes(qtbot: QtBot, chart: Scatter) -> None:
    at = chart.point(4).toPoint()
    with qtbot.waitSignal(chart.picked) as picked:
        qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=at)
    with qtbot.waitSignal(chart.taken) as taken:
        qtbot.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=at)
    assert picked.args == taken.args == [4]
    with qtbot.assertNotEmitted(chart.picked):
        qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.plot().topRight() + QPoint(-4, 4))


def test_arrow_keys_walk_along_the_frontier_and_up_and_down(qtbot: QtBot, chart: Scatter) -> None:
    told: list[int] = []
    chart.hovered.connect(told.append)
    line = FEW.frontier.tolist()
    for _ in line:
        qtbot.keyClick(chart, Qt.Key.Key_Right)
    assert told == line
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert told[-1] == line[-2]
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    qtbot.keyClick(chart, Qt.Key.Key_End)
    assert told[-2:] == [line[0], line[-1]]
    chart._hover(2)
    qtbot.keyClick(chart, Qt.Key.Key_Up)
    assert told[-1] == 7  # the one above, which is not on the frontier
    assert chart.accessibleDescription() == FEW.words_of(7)
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    assert told[-1] == 2
    chart._hover(7)
    qtbot.keyClick(chart, Qt.Key.Key_Right)
    assert told[-1] == 3  # back on the frontier, the next that needs more
    with qtbot.waitSignal(chart.picked) as picked:
        qtbot.keyClick(chart, Qt.Key.Key_Space)
    with qtbot.waitSignal(chart.taken) as taken:
        qtbot.keyClick(chart, Qt.Key.Key_Return)
    assert picked.args == taken.args == [3]


def test_picked_and_pinned_plans_are_marked(chart: Scatter) -> None:
    plain = chart.grab().toImage()
    chart.select(2)
    ringed = chart.grab().toImage()
    assert plain != ringed
    chart.pin(1, 4)
    pinned = chart.grab().toImage()
    for row in (1, 4):
        above = chart.point(row).toPoint() - QPoint(0, round(1.9 * scatter.em()))
        assert beside(pinned.pixelColor(above), colour("accent")) < 0.1
    chart.select(-1)
    chart.pin()
    assert chart.grab().toImage() == plain


# other data


@pytest.mark.parametrize("rows", [0, 1])
def test_no_plan_and_one_plan_are_shown(qtbot: QtBot, rows: int) -> None:
    chart = shown(qtbot, data_of([4.0] * rows, [2.0] * rows))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_End, Qt.Key.Key_Space, Qt.Key.Key_Return):
        qtbot.keyClick(chart, key)
    assert chart._hovered == rows - 1
    drag(qtbot, chart, [chart.plot().left() + 40])
    assert chart.line_bytes < OWN
    chart.show_data(None)
    assert chart.ready
    assert not chart.line.isVisible()
    chart.grab()


def test_plans_without_a_known_cost_are_left_out_and_counted(qtbot: QtBot) -> None:
    data = data_of([4, 5, 6, 7], [1, np.nan, 2, np.nan], among=np.array([True, True, True, False]))
    chart = shown(qtbot, data)
    assert data.shown.tolist() == [0, 2]
    assert chart.accessibleDescription() == "Plans. 1 is left out: the cost is not known."
    chart.select(1)
    chart.grab()


def test_a_cost_of_nothing_has_no_place_on_an_axis_of_ratios() -> None:
    data = data_of([4, 5], [0, 1])
    assert data.shown.tolist() == [1]
    assert data.frontier_shown.tolist() == []
    assert replace(data, log_y=False).shown.tolist() == [0, 1]


def test_classes_stand_at_their_own_marks(qtbot: QtBot) -> None:
    data = data_of([4, 5, 6], [0, 1, 1], log_y=False, y_ticks=((0.0, "as full"), (1.0, "less")))
    chart = shown(qtbot, data)
    assert chart.point(1).y() == chart.point(2).y() < chart.point(0).y()


def test_while_the_size_changes_the_old_picture_is_scaled(qtbot: QtBot, chart: Scatter) -> None:
    old = chart._shown
    chart.resize(500, 600)
    chart._hover(-1)
    image = chart.grab().toImage()
    assert chart._shown is old
    row = 7
    at = chart.point(row).toPoint()
    assert beside(image.pixelColor(at), image.pixelColor(at + QPoint(14, -14))) > 0.2
    assert chart.row_at(QPointF(at)) == row
    qtbot.waitUntil(lambda: chart.ready)
    assert chart._shown is not old


def test_the_picture_follows_the_scheme(qtbot: QtBot, chart: Scatter) -> None:
    try:
        theme().choose("dark")
        assert not chart.ready
        qtbot.waitUntil(lambda: chart.ready)
        dark = chart._shown
        theme().choose("light")
        qtbot.waitUntil(lambda: chart.ready)
    finally:
        theme().choose("system")
    assert dark is not None
    assert chart._shown is not None
    assert dark.strong != chart._shown.strong


def test_a_chart_that_is_gone_takes_no_picture_in(qtbot: QtBot) -> None:
    chart = Scatter()
    chart.resize(400, 300)
    chart.show_data(many(2_000))
    chart.show()
    made = prepare(many(2_000), QSize(100, 100), 1.0, chart._look())
    taker: Callable[[Prepared], None] = chart._preparing.arrived
    chart.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not isValid(chart)
    taker(made)


# speed


def slowest_ms(step: Callable[[int], object], times: int = 5) -> float:
    """Of the best half: what else the computer does is not what is measured."""
    took = []
    for i in range(times):
        began = time.thread_time()
        step(i)
        took.append(1000 * (time.thread_time() - began))
    return sorted(took)[len(took) // 2]


def test_no_step_on_the_gui_thread_takes_a_frame_for_120000_plans(qtbot: QtBot) -> None:
    data = many()
    chart = shown(qtbot, data, 1000, 760)
    halves = [replace(data, among=np.random.default_rng(i).random(MANY) < 0.5) for i in range(5)]
    assert slowest_ms(lambda i: chart.show_data(halves[i])) < FRAME_MS
    qtbot.waitUntil(lambda: chart.ready)
    made = chart._shown
    assert made is not None
    assert slowest_ms(lambda _: chart._take(made)) < FRAME_MS
    assert slowest_ms(lambda _: chart._paint_ground()) < FRAME_MS
    assert slowest_ms(lambda _: chart.repaint()) < FRAME_MS
    plot = chart.plot()
    places = np.random.default_rng(1).random((200, 2)) * (plot.width(), plot.height()) + (plot.left(), plot.top())
    assert slowest_ms(lambda i: chart.row_at(QPointF(*places[i])), 200) < 1.0
    assert slowest_ms(lambda i: qtbot.keyClick(chart, (Qt.Key.Key_Up, Qt.Key.Key_Left)[i % 2]), 6) < FRAME_MS
    points = chart.painted["points"]
    chart.line.grab_line()

    def one(i: int) -> None:
        chart.line.drag_to(plot.left() + 60 + 20 * i)
        QApplication.processEvents()

    assert slowest_ms(one, 30) < DRAG_MS
    chart.line.drop_line()
    assert chart.painted["points"] == points


def test_the_gui_thread_is_free_while_120000_plans_are_painted(qtbot: QtBot) -> None:
    chart = shown(qtbot, FEW, 1000, 760)
    chart.show_data(many())
    beats = 0
    deadline = time.monotonic() + 20
    while not chart.ready and time.monotonic() < deadline:
        QApplication.processEvents()
        beats += 1
    assert chart.ready
    assert beats > 5


# axes and markers


@pytest.mark.parametrize("room_gib", [2, 8, 24, 80, 512])
@pytest.mark.parametrize("most_gib", [0.4, 3, 20, 90, 4000])
def test_an_axis_of_bytes_holds_every_need_and_the_line_with_few_round_marks(room_gib: float, most_gib: float) -> None:
    x = np.geomspace(0.3, most_gib, 50) * GIB
    axis = Axis.of_bytes(x, 0.9 * room_gib * GIB, room_gib * GIB)
    places = axis.place(np.concatenate([x, [0.9 * room_gib * GIB, room_gib * GIB]]))
    assert ((places >= 0) & (places <= 1)).all()
    marks = axis.byte_ticks(9)
    assert 2 <= len(marks) <= 10
    assert all(axis.low <= value <= axis.high * (1 + 1e-9) for value, _ in marks)
    assert len({label for _, label in marks}) == len(marks)
    for place in (0.1, 0.5, 0.9):
        assert axis.place(axis.value(place)) == pytest.approx(place)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("span", [(0.5, 4), (1, 1), (3, 5000), (0.001, 0.002), (1e6, 9e9)])
def test_an_axis_of_costs_has_few_marks_inside(span: tuple[float, float], log: bool) -> None:
    axis = Axis.of_costs(np.array(span), log=log)
    assert axis.low < span[0] <= span[1] < axis.high
    marks = axis.ticks(8, lambda v: f"{v:g}")
    assert 1 <= len(marks) <= 9
    assert all(axis.low <= value <= axis.high for value, _ in marks)


def test_an_axis_of_bytes_is_even_where_that_tells_plans_apart() -> None:
    for needs, log in (([6, 9, 20], False), ([6, 9, 20, 700], True), ([0.1, 0.2, 0.3], True), ([], False)):
        assert Axis.of_bytes(np.array(needs) * GIB, OWN, 24 * GIB).log == log, needs


def test_steps_of_the_line_are_round_and_go_there_and_back() -> None:
    axis = Axis(0.0, 40.0 * GIB)
    assert axis.round_bytes(0.4003, 600) == 16 * GIB
    up = axis.step_bytes(16 * GIB, 1, 600)
    assert up > 16 * GIB
    assert axis.step_bytes(up, -1, 600) == 16 * GIB
    assert axis.step_bytes(16 * GIB, -10_000, 600) > 0
    assert axis.step_bytes(16 * GIB, 10_000, 600) == 40 * GIB


def test_eight_groups_differ_in_shape_and_not_in_colour_alone() -> None:
    pictures = []
    for marker in Marker:
        image = QImage(40, 40, QImage.Format.Format_Mono)
        image.fill(1)
        p = QPainter(image)
        paint_marker(p, marker, QPointF(20, 20), 9, Ink(QColor("black"), QColor("black")))
        p.end()
        pictures.append(bytes(image.constBits()))
    assert len(set(pictures)) == len(Marker)
    assert len({marker for marker, _ in STYLES}) == len({kind for _, kind in STYLES}) == len(STYLES) == MOST_GROUPS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_marker_can_be_seen_on_the_card(scheme: str, qtbot: QtBot) -> None:
    try:
        theme().choose(scheme)
        for i in range(MOST_GROUPS):
            ink = group_ink(i)
            assert max(contrast(c, colour("card")) for c in (ink.fill, ink.rim)) >= LEAST_CONTRAST
    finally:
        theme().choose("system")


def test_the_legend_names_every_group_and_goes_on_in_a_second_line(qtbot: QtBot) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    legend.show_entries(entries(groups_of(["full", "LoRA", "DoRA"]), [3, 0, 1200]))
    assert legend.accessibleDescription() == "circle: full 3, square: DoRA 1,200"
    wide = legend.sizeHint().width()
    assert legend.heightForWidth(wide // 2 + 5) == 2 * legend.heightForWidth(wide + 5)


# batch against context

BATCHES, CONTEXTS = (1, 2, 4), (512, 1024, 1536, 2048)
PEAK = np.array([[2, 4, 6, 8], [4, 8, 12, 16], [8, 16, 24, 32]]) * GIB
CELLS = HeatData(BATCHES, CONTEXTS, PEAK - GIB, PEAK, PEAK + GIB)


@pytest.fixture
def heat(qtbot: QtBot) -> HeatMap:
    made = HeatMap()
    qtbot.addWidget(made)
    made.resize(360, 260)
    made.show_data(CELLS, 10 * GIB, (0, 1))
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_the_contour_parts_cells_that_fit_from_cells_that_do_not(heat: HeatMap) -> None:
    for budget_gib in (1, 4, 9, 12, 40):
        heat.set_budget(budget_gib * GIB)
        inside = CELLS.low <= budget_gib * GIB
        edges = heat.contour()
        wanted = np.count_nonzero(inside[:, 1:] != inside[:, :-1]) + np.count_nonzero(inside[1:] != inside[:-1])
        assert len(edges) == wanted
        for a, b in edges:
            across = QPointF(3, 0) if a.x() == b.x() else QPointF(0, 3)
            middle = (a + b) / 2
            sides = [heat.cell_at(middle - across), heat.cell_at(middle + across)]
            assert inside[sides[0]] != inside[sides[1]]


def test_cells_that_do_not_fit_look_different_and_tight_ones_are_hatched(heat: HeatMap) -> None:
    def inks(row: int, column: int) -> int:
        image, rect = heat.grab().toImage(), heat.cell(row, column).toRect().adjusted(4, 4, -4, -4)
        line = [image.pixelColor(x, rect.top()).name() for x in range(rect.left(), rect.right())]
        return len(set(line))

    heat.set_budget(8 * GIB)  # the cell of 8 GiB is tight then
    assert inks(0, 3) > 3
    assert inks(0, 0) == 1
    fits, beyond = heat._ink(0, 0), heat._ink(2, 3)
    assert fits.blue() > fits.red()
    assert beyond.red() > beyond.blue()
    assert heat._ink(0, 2).alpha() > fits.alpha()  # fuller is stronger


def test_a_cell_is_picked_by_click_and_by_keys(qtbot: QtBot, heat: HeatMap) -> None:
    with qtbot.waitSignal(heat.picked) as told:
        qtbot.mouseClick(heat, Qt.MouseButton.LeftButton, pos=heat.cell(2, 3).center().toPoint())
    assert told.args == [2, 3]
    qtbot.keyClick(heat, Qt.Key.Key_Up)  # from the cell of the plan
    qtbot.keyClick(heat, Qt.Key.Key_Right)
    assert heat.accessibleDescription() == "batch 2 × 1,536 tokens: 12.00 GiB, does not fit"
    with qtbot.waitSignal(heat.picked) as told:
        qtbot.keyClick(heat, Qt.Key.Key_Return)
    assert told.args == [1, 2]
    for _ in range(9):
        qtbot.keyClick(heat, Qt.Key.Key_Down)
    assert heat._hovered == (0, 2)


def test_a_pair_that_is_not_possible_is_said_and_not_picked(qtbot: QtBot, heat: HeatMap) -> None:
    gone = PEAK.copy()
    gone[2, 3] = -1
    heat.show_data(HeatData(BATCHES, CONTEXTS, gone, gone, gone), 10 * GIB)
    assert heat.rows()[-1] == ("4", "2,048", "–", "not possible")
    with qtbot.assertNotEmitted(heat.picked):
        qtbot.mouseClick(heat, Qt.MouseButton.LeftButton, pos=heat.cell(2, 3).center().toPoint())
    heat.grab()


def test_the_table_and_the_sentence_hold_what_the_cells_show(heat: HeatMap) -> None:
    rows = heat.rows()
    assert len(rows) == len(BATCHES) * len(CONTEXTS)
    assert rows[0] == ("1", "512", "2.00 GiB", "fits")
    assert rows[7] == ("2", "2,048", "16.00 GiB", "does not fit")
    assert heat.sentence() == heat.accessibleDescription()
    assert heat.sentence().endswith("contexts up to 2,048, batches up to 4.")
    heat.set_budget(GIB)
    assert heat.sentence() == "If every row were that long, 0 of 12 pairs fit 1.00 GiB."
    worse = replace(CELLS, elsewhere=np.full(PEAK.shape, 2))
    heat.show_data(worse, 100 * GIB)
    assert {row[3] for row in heat.rows()} == {"does not fit"}


def test_the_load_line_goes_through_many_cells_within_a_frame(qtbot: QtBot, heat: HeatMap) -> None:
    peak = np.arange(1, 12 * 16 + 1).reshape(12, 16) * GIB // 4
    heat.show_data(
        HeatData(tuple(range(1, 13)), tuple(range(512, 512 * 17, 512)), peak, peak, peak + GIB), 8 * GIB, (3, 3)
    )

    def one(i: int) -> None:
        heat.set_budget((8 + i) * GIB)
        heat.repaint()

    assert slowest_ms(one, 9) < FRAME_MS


def test_no_cells_are_no_trouble(qtbot: QtBot, heat: HeatMap) -> None:
    none = np.zeros((0, 0), np.int64)
    for data in (None, HeatData((), (), none, none, none)):
        heat.show_data(data, GIB)
        heat.grab()
        qtbot.keyClick(heat, Qt.Key.Key_Right)
        qtbot.mouseClick(heat, Qt.MouseButton.LeftButton)
        assert heat.rows() == []


def test_contexts_are_short_words_on_their_axis() -> None:
    assert [tokens(n) for n in (384, 512, 1024, 1536, 131072)] == ["384", "½k", "1k", "1.5k", "128k"]
