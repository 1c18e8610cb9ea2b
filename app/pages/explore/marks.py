"""Which marker and which colour each group of plans has on the Explore page, and the legend's entries for them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QColor

from app.pages.explore.points import Group
from app.theme import KIND_COLOURS, colour
from app.widgets.markers import Entry, Ink, Marker
from planner.ledger import Kind

STYLES: tuple[tuple[Marker, Kind], ...] = (
    (Marker.CIRCLE, Kind.WEIGHTS),
    (Marker.TRIANGLE, Kind.ACTIVATIONS),
    (Marker.SQUARE, Kind.STATES),
    (Marker.DIAMOND, Kind.ADAPTER),
    (Marker.TURNED_TRIANGLE, Kind.LOGITS),
    (Marker.CROSS, Kind.GRADIENTS),
    (Marker.PENTAGON, Kind.BATCH),
    (Marker.STAR, Kind.WORKSPACE),
)
"""In the order in which groups get them; the colours are those of the bar's kinds, which do not meet on this page."""

LEAST_CONTRAST = 3.0


def light(ink: QColor) -> float:
    """Relative luminance, as WCAG 2 has it."""
    parts = ink.getRgbF()[:3]  # type: ignore[index]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return float(0.2126 * r + 0.7152 * g + 0.0722 * b)


def contrast(a: QColor, b: QColor) -> float:
    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def group_ink(number: int, *, opacity: float = 1.0) -> Ink:
    """Of the group with this number. A fill too near to the card's colour gets a rim that can be seen on it."""
    fill, card = QColor(KIND_COLOURS[STYLES[number][1]]), colour("card")
    rim, halo = QColor(card), None
    if contrast(fill, card) < LEAST_CONTRAST:
        darker = light(card) > 0.5
        rim, halo = QColor(fill), card
        while contrast(rim, card) < LEAST_CONTRAST:
            rim = rim.darker(112) if darker else rim.lighter(112)
    fill.setAlphaF(opacity)
    return Ink(fill, rim, halo=halo)


def entries(groups: Sequence[Group], counts: Sequence[int] | None = None) -> list[Entry]:
    """For the legend: the groups' names, with how many points each has where that is given."""
    numbers = range(len(groups)) if counts is None else [i for i in range(len(groups)) if counts[i]]
    return [
        Entry(groups[i].marker, group_ink(i), groups[i].name if counts is None else f"{groups[i].name} {counts[i]:,}")
        for i in numbers
    ]


def groups_of(names: Sequence[str]) -> tuple[Group, ...]:
    """Groups with these names, at most as many as there are styles, each with its marker."""
    return tuple(Group(name, marker) for name, (marker, _) in zip(names, STYLES, strict=False))
