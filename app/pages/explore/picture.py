"""The scatter's points as a picture, in two strengths: at and beyond the load line. Prepared on any thread.

Everything it needs is handed to it, colours too, so that it asks no widget and no theme; what it gives back is shown
by `scatter` without painting a point again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from app.pages.explore.points import Placed, ScatterData
from app.widgets.markers import Ink, stamp

PALE = 0.24
"""Strength of what does not fit."""

THIN = 0.6
"""Side of the square, in radii of a marker, in which one marker of a group stands for all: they would lie on each
other but for a pixel or two."""

AT_ONCE, BREATH_S = 1_000, 5e-5
"""Stamps between two moments in which the GUI thread may have the interpreter: else it waits, several times a frame,
for as long as Python leaves a thread alone (5 ms)."""


@dataclass(frozen=True)
class Look:
    """radius: of a marker; reach: how near a pointer must come (both in device-independent pixels). inks: of each
    group. line, ground: colours of the frontier and of the card."""

    radius: float
    reach: float
    inks: tuple[Ink, ...]
    line: QColor
    ground: QColor

    @property
    def margin(self) -> int:
        """Pixels round the plot for markers on its edge."""
        return int(4 * self.radius) + 1


@dataclass(frozen=True, eq=False)
class Prepared:
    """strong, pale: pictures of the plot of `size` with `margin` round it. markers: how many were painted."""

    data: ScatterData
    size: QSize
    ratio: float
    look: Look
    strong: QImage
    pale: QImage
    placed: Placed
    markers: int


def prepare(data: ScatterData, size: QSize, ratio: float, look: Look) -> Prepared:
    """The pictures of a plot of `size` device-independent pixels on a screen with `ratio` pixels to each."""
    width, height = size.width(), size.height()
    placed = Placed.of(data, width, height, look.reach)
    wanted = placed.worth_painting(data.group, len(data.groups), look.radius * THIN, data.frontier)
    strong = _blank(size, ratio, look.margin)
    _stamp_all(strong, data, placed, wanted, ratio, look)
    pale = _blank(size, ratio, look.margin)
    p = QPainter(pale)
    p.setOpacity(PALE)
    p.drawImage(QPoint(0, 0), strong)
    p.end()
    for image in (strong, pale):
        _paint_frontier(image, data, size, look)
    return Prepared(data, size, ratio, look, strong, pale, placed, len(wanted))


def _blank(size: QSize, ratio: float, margin: int) -> QImage:
    wide, high = (round((n + 2 * margin) * ratio) for n in (size.width(), size.height()))
    made = QImage(max(wide, 1), max(high, 1), QImage.Format.Format_ARGB32_Premultiplied)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    return made


def _stamp_all(onto: QImage, data: ScatterData, placed: Placed, wanted: np.ndarray, ratio: float, look: Look) -> None:
    """At whole pixels of the screen: a stamp that need not be smoothed is copied, not computed."""
    if not len(wanted):
        return
    stamps = [stamp(g.marker, look.radius, ink, ratio) for g, ink in zip(data.groups, look.inks, strict=False)]
    half = [s.width() / 2 for s in stamps]
    for s in stamps:
        s.setDevicePixelRatio(1)
    groups = data.group[placed.rows[wanted]]
    offset = np.array(half)[groups]
    xs = np.rint((placed.px[wanted] + look.margin) * ratio - offset).astype(np.int64).tolist()
    ys = np.rint((placed.py[wanted] + look.margin) * ratio - offset).astype(np.int64).tolist()
    onto.setDevicePixelRatio(1)
    p = QPainter(onto)
    draw, numbers = p.drawImage, groups.tolist()
    for first in range(0, len(xs), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        for x, y, g in zip(xs[some], ys[some], numbers[some], strict=True):
            draw(x, y, stamps[g])
        time.sleep(BREATH_S)
    p.end()
    onto.setDevicePixelRatio(ratio)


def frontier_places(data: ScatterData, size: QSize) -> list[QPointF]:
    """Where the frontier's plans stand in the plot, by rising need."""
    rows = data.frontier_shown
    x_axis, y_axis = data.axes
    px = x_axis.place(data.x[rows]) * size.width()
    py = (1 - y_axis.place(data.y[rows])) * size.height()
    return [QPointF(x, y) for x, y in zip(px.tolist(), py.tolist(), strict=True)]


def _paint_frontier(onto: QImage, data: ScatterData, size: QSize, look: Look) -> None:
    """A staircase: until the next plan's need is reached, the cost stays what it was."""
    at = [place + QPointF(look.margin, look.margin) for place in frontier_places(data, size)]
    if not at:
        return
    steps = [at[0]]
    for before, here in pairwise(at):
        steps += [QPointF(here.x(), before.y()), here]
    p = QPainter(onto)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    under = QColor(look.ground)
    under.setAlphaF(0.85)
    for ink, width in ((under, look.radius), (look.line, max(1.6, look.radius * 0.42))):
        p.setPen(QPen(ink, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.MiterJoin))
        p.drawPolyline(QPolygonF(steps))
    p.setPen(QPen(look.line, max(1.6, look.radius * 0.42)))
    p.setBrush(look.ground)
    for place in at:
        p.drawEllipse(place, look.radius * 0.95, look.radius * 0.95)
    p.end()
