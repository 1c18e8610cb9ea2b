"""Markers of a chart of points, and the legend that names them: a shape and a colour for each sort, never colour alone.

What the sorts are is the chart's own affair; here are only shapes, their stamps and a row of names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import colour, em, font
from app.widgets.surface import painter_on


class Marker(Enum):
    CIRCLE = "circle"
    SQUARE = "square"
    TRIANGLE = "triangle"
    DIAMOND = "diamond"
    TURNED_TRIANGLE = "triangle upside down"
    CROSS = "cross"
    PENTAGON = "pentagon"
    STAR = "star"
    RING = "ring"


@dataclass(frozen=True)
class Ink:
    """What a marker is painted with. The rim sets it apart from the ground, the halo round it from its neighbours."""

    fill: QColor
    rim: QColor
    rim_width: float = 1.0
    halo: QColor | None = None


def _turned(points: int, first: float = -math.pi / 2, *, inner: float = 1.0) -> list[tuple[float, float]]:
    """Corners of a regular figure about the origin; inner: how far every second one is pulled in."""
    turn = 2 * math.pi / points
    far = [1.0 if i % 2 == 0 else inner for i in range(points)]
    return [(r * math.cos(first + i * turn), r * math.sin(first + i * turn)) for i, r in enumerate(far)]


_A, _B = 0.42, 1.12  # half the width and half the length of a cross's arms
CORNERS: dict[Marker, list[tuple[float, float]]] = {
    Marker.SQUARE: [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
    Marker.TRIANGLE: [(-1.2, 1.1), (1.2, 1.1), (0.0, -1.15)],
    Marker.DIAMOND: [(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
    Marker.TURNED_TRIANGLE: [(-1.2, -1.1), (1.2, -1.1), (0.0, 1.15)],
    Marker.CROSS: [
        *((-_A, -_B), (_A, -_B), (_A, -_A), (_B, -_A), (_B, _A), (_A, _A)),
        *((_A, _B), (-_A, _B), (-_A, _A), (-_B, _A), (-_B, -_A), (-_A, -_A)),
    ],
    Marker.PENTAGON: [(1.2 * x, 1.2 * y) for x, y in _turned(5)],
    Marker.STAR: [(1.45 * x, 1.45 * y) for x, y in _turned(10, inner=0.5)],
}
"""Of the shapes with corners, in radii about the middle, y downward."""

REACH = 1.6  # radii that the farthest corner and its rim stay within


def paint_marker(p: QPainter, marker: Marker, at: QPointF, radius: float, ink: Ink) -> None:
    if marker is Marker.RING:
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(ink.fill, max(1.2, radius * 0.32)))
        p.drawEllipse(at, radius * 0.9, radius * 0.9)
        return
    corners = QPolygonF([QPointF(at.x() + radius * x, at.y() + radius * y) for x, y in CORNERS.get(marker, ())])
    if ink.halo:
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(ink.halo, ink.rim_width + 1.8))
        _paint_shape(p, at, radius, corners)
    p.setPen(QPen(ink.rim, ink.rim_width))
    p.setBrush(ink.fill)
    _paint_shape(p, at, radius, corners)


def _paint_shape(p: QPainter, at: QPointF, radius: float, corners: QPolygonF) -> None:
    if corners.isEmpty():
        p.drawEllipse(at, radius * 1.1, radius * 1.1)
    else:
        p.drawPolygon(corners)


def stamp(marker: Marker, radius: float, ink: Ink, ratio: float) -> QImage:
    """One marker as a picture: stamping many takes a tenth of the time of drawing them. Safe on any thread."""
    side = 2 * math.ceil(radius * REACH + ink.rim_width + (1 if ink.halo else 0))
    made = QImage(math.ceil(side * ratio), math.ceil(side * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    p = QPainter(made)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_marker(p, marker, QPointF(side / 2, side / 2), radius, ink)
    p.end()
    return made


@dataclass(frozen=True)
class Entry:
    """What one marker stands for."""

    marker: Marker
    ink: Ink
    text: str


class Legend(QWidget):
    """Markers with their names, in as many lines as the width asks for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: Sequence[Entry] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Markers")

    def show_entries(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self.setAccessibleDescription(", ".join(f"{e.marker.value}: {e.text}" for e in entries))
        self.updateGeometry()
        self.update()

    def _places(self, width: int) -> list[QRectF]:
        """Of each entry, line by line."""
        metrics, found = self.fontMetrics(), []
        x = y = 0.0
        for entry in self._entries:
            wide = metrics.horizontalAdvance(entry.text) + em(2.2)
            if x and x + wide > width:
                x, y = 0.0, y + em(1.4)
            found.append(QRectF(x, y, wide, em(1.4)))
            x += wide
        return found

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        places = self._places(width)
        return round(places[-1].bottom()) if places else em(1.4)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(sum(metrics.horizontalAdvance(e.text) + em(2.2) for e in self._entries), em(1.4))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, em(1.4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setFont(font(0.9))
        for entry, place in zip(self._entries, self._places(self.width()), strict=True):
            paint_marker(p, entry.marker, QPointF(place.left() + em(0.5), place.center().y()), em(0.3), entry.ink)
            p.setPen(colour("muted"))
            p.drawText(place.adjusted(em(1.1), 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), entry.text)
