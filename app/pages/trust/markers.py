"""The markers of the trust chart, and the legend that names and counts them: a shape and a colour for each origin."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter

from app.pages.trust.rows import Origin, TrustRow
from app.theme import KIND_COLOURS, colour
from app.widgets import markers
from app.widgets.markers import Entry, Ink, Marker
from planner.ledger import Kind

NAMES = {Origin.PUBLISHED: "published run", Origin.RUN: "own run", Origin.PROOF: "proof"}
MARKERS = {Origin.PUBLISHED: Marker.RING, Origin.RUN: Marker.SQUARE, Origin.PROOF: Marker.TRIANGLE}


def origin_colour(origin: Origin) -> QColor:
    if origin is Origin.PUBLISHED:
        return colour("accent")
    return QColor(KIND_COLOURS[Kind.LOGITS if origin is Origin.RUN else Kind.STATES])


def _ink(origin: Origin) -> Ink:
    return Ink(origin_colour(origin), colour("card"))


def paint_marker(p: QPainter, origin: Origin, at: QPointF, radius: float) -> None:
    """A ring for a published run, a square for an own one, a triangle for a proof."""
    markers.paint_marker(p, MARKERS[origin], at, radius, _ink(origin))


def stamp(origin: Origin, radius: float, ratio: float) -> QImage:
    return markers.stamp(MARKERS[origin], radius, _ink(origin), ratio)


class Legend(markers.Legend):
    """The markers with their names and counts."""

    def show_rows(self, rows: Sequence[TrustRow]) -> None:
        counts = {origin: sum(r.origin is origin for r in rows) for origin in Origin}
        told = [(o, f"{n:,} {NAMES[o]}{'' if n == 1 else 's'}") for o, n in counts.items() if n]
        self.show_entries([Entry(MARKERS[o], _ink(o), text) for o, text in told])
