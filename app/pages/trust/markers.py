"""The markers of the trust chart, and the legend that names and counts them: a shape and a colour for each origin."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.pages.trust.rows import Origin, TrustRow
from app.theme import KIND_COLOURS, colour, em, font
from app.widgets.surface import painter_on
from planner.ledger import Kind

NAMES = {Origin.PUBLISHED: "published run", Origin.RUN: "own run", Origin.PROOF: "proof"}


def origin_colour(origin: Origin) -> QColor:
    if origin is Origin.PUBLISHED:
        return colour("accent")
    return QColor(KIND_COLOURS[Kind.LOGITS if origin is Origin.RUN else Kind.STATES])


def paint_marker(p: QPainter, origin: Origin, at: QPointF, radius: float) -> None:
    """A ring for a published run, a square for an own one, a triangle for a proof."""
    ink = origin_colour(origin)
    if origin is Origin.PUBLISHED:
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(ink, max(1.2, radius * 0.32)))
        p.drawEllipse(at, radius * 0.9, radius * 0.9)
        return
    p.setPen(QPen(colour("card"), 1))
    p.setBrush(ink)
    if origin is Origin.RUN:
        p.drawRect(QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius))
    else:
        r = radius * 1.25
        p.drawPolygon(
            QPolygonF([QPointF(at.x() - r, at.y() + r), QPointF(at.x() + r, at.y() + r), QPointF(at.x(), at.y() - r)])
        )


def stamp(origin: Origin, radius: float, ratio: float) -> QPixmap:
    """One marker as a picture: stamping hundreds takes a tenth of the time of drawing them."""
    side = math.ceil(radius * 3.2)
    made = QPixmap(round(side * ratio), round(side * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    p = QPainter(made)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_marker(p, origin, QPointF(side / 2, side / 2), radius)
    p.end()
    return made


class Legend(QWidget):
    """The markers with their names and counts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: list[tuple[Origin, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Markers")

    def show_rows(self, rows: Sequence[TrustRow]) -> None:
        counts = {origin: sum(r.origin is origin for r in rows) for origin in Origin}
        self._entries = [(o, f"{n:,} {NAMES[o]}{'' if n == 1 else 's'}") for o, n in counts.items() if n]
        self.setAccessibleDescription(", ".join(text for _, text in self._entries))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(sum(metrics.horizontalAdvance(text) + em(2.2) for _, text in self._entries), em(1.4))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, em(1.4))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setFont(font(0.9))
        x, middle = em(0.5), self.height() / 2
        for origin, text in self._entries:
            paint_marker(p, origin, QPointF(x, middle), em(0.3))
            p.setPen(colour("muted"))
            wide = p.fontMetrics().horizontalAdvance(text)
            p.drawText(QRectF(x + em(0.6), 0, wide + 2, self.height()), int(Qt.AlignmentFlag.AlignVCenter), text)
            x += round(wide + em(1.9))
