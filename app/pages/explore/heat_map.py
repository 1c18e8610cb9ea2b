"""Batch against context: what each pair needs if every row were that long, with the load line as a contour between what fits
and what does not.

Its table twin is `rows`; its sentence is its accessible description.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import KIND_COLOURS, colour, em, figures, theme
from app.widgets.surface import focus_ring, hatch, painter_on
from planner.explore.explored import DOES_NOT_FIT, FITS, TIGHT, Ints
from planner.ledger import Kind
from planner.units import GIB, words

NOT_VALID = -1
WORDS = {FITS: "fits", TIGHT: "tight", DOES_NOT_FIT: "does not fit", NOT_VALID: "not possible"}


@dataclass(frozen=True, eq=False)
class HeatData:
    """batches, contexts: what the rows and columns stand for, rising. low, peak, high: bytes of each cell, (rows,
    columns), −1 where the pair is not possible; elsewhere: verdicts of the other places, or none."""

    batches: tuple[int, ...]
    contexts: tuple[int, ...]
    low: Ints
    peak: Ints
    high: Ints
    elsewhere: Ints | None = None

    def verdicts(self, budget_bytes: int) -> Ints:
        here = np.where(self.high <= budget_bytes, FITS, np.where(self.low <= budget_bytes, TIGHT, DOES_NOT_FIT))
        found: Ints = here if self.elsewhere is None else np.maximum(here, self.elsewhere)
        return np.where(self.peak < 0, NOT_VALID, found)


def tokens(n: int) -> str:
    """`½k`, `1k`, `1.5k`, `384`: a context's length on an axis."""
    if n == 512:
        return "½k"
    if n >= 1024 and n % 512 == 0:
        return f"{n / 1024:g}k"
    return f"{n:,}"


class HeatMap(QWidget):
    """`picked, hovered` carry a cell's row and column, `hovered` (−1, −1) when none is meant."""

    picked = Signal(int, int)
    hovered = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: HeatData | None = None
        self._budget_bytes = 0
        self._current = self._hovered = (-1, -1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Context against batch")
        theme().changed.connect(self.update)

    def show_data(self, data: HeatData | None, budget_bytes: int, current: tuple[int, int] = (-1, -1)) -> None:
        """current: the cell that the plan looked at stands in, where the cell's figure is the plan's."""
        self._data, self._current, self._hovered = data, current, (-1, -1)
        self.set_budget(budget_bytes)

    def set_budget(self, budget_bytes: int) -> None:
        """Where the load line goes through; cheap enough for every step of a drag."""
        self._budget_bytes = budget_bytes
        self.__dict__.pop("_verdicts", None)
        self.setAccessibleDescription(self.sentence())
        self.update()

    @cached_property
    def _verdicts(self) -> Ints:
        assert self._data is not None
        return self._data.verdicts(self._budget_bytes)

    def sentence(self) -> str:
        """How many pairs fit, and the largest of each kind."""
        if self._data is None or not self._data.peak.size:
            return ""
        fits = self._verdicts == FITS
        told = f"If every row were that long, {int(fits.sum())} of {fits.size} pairs fit {words(self._budget_bytes)}"
        if not fits.any():
            return f"{told}."
        context = self._data.contexts[int(np.flatnonzero(fits.any(axis=0))[-1])]
        batch = self._data.batches[int(np.flatnonzero(fits.any(axis=1))[-1])]
        return f"{told}: contexts up to {context:,}, batches up to {batch:,}."

    def rows(self) -> list[tuple[str, ...]]:
        """Batch, context, need and verdict of every cell, for the table."""
        if self._data is None:
            return []
        return [
            (f"{batch:,}", f"{context:,}", self._need(i, j), WORDS[int(self._verdicts[i, j])])
            for i, batch in enumerate(self._data.batches)
            for j, context in enumerate(self._data.contexts)
        ]

    def _need(self, row: int, column: int) -> str:
        assert self._data is not None
        return words(int(self._data.peak[row, column])) if self._data.peak[row, column] >= 0 else "–"

    # places

    def sizeHint(self) -> QSize:
        return QSize(em(17), em(13))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(9), em(7))

    def _plot(self) -> QRectF:
        return QRectF(self.rect()).adjusted(em(2.6), em(0.4), -em(0.4), -em(1.7))

    def cell(self, row: int, column: int) -> QRectF:
        """Where a cell stands, without the gap round it; row 0 is the lowest."""
        assert self._data is not None
        plot, down, across = self._plot(), len(self._data.batches), len(self._data.contexts)
        wide, high = plot.width() / across, plot.height() / down
        return QRectF(plot.left() + column * wide, plot.bottom() - (row + 1) * high, wide, high)

    def cell_at(self, where: QPointF) -> tuple[int, int]:
        plot = self._plot()
        if self._data is None or not self._data.peak.size or not plot.contains(where):
            return (-1, -1)
        down, across = self._data.peak.shape
        column = int((where.x() - plot.left()) / plot.width() * across)
        row = int((plot.bottom() - where.y()) / plot.height() * down)
        return min(row, down - 1), min(column, across - 1)

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        if self._data is not None and self._data.peak.size:
            for row in range(len(self._data.batches)):
                for column in range(len(self._data.contexts)):
                    self._paint_cell(p, row, column)
            self._paint_axes(p)
            self._paint_contour(p)
            self._paint_meant(p)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.3))

    def _ink(self, row: int, column: int) -> QColor:
        """Blue for what fits, stronger the fuller; vermilion for what does not, stronger the farther beyond."""
        assert self._data is not None
        verdict = int(self._verdicts[row, column])
        if verdict == NOT_VALID:
            return colour("field")
        share = float(self._data.peak[row, column]) / max(self._budget_bytes, 1)
        ink = QColor(KIND_COLOURS[Kind.LOGITS if verdict == DOES_NOT_FIT else Kind.WEIGHTS])
        ink.setAlphaF(min(1.0, 0.55 + 0.15 * share) if verdict == DOES_NOT_FIT else 0.25 + 0.4 * min(share, 1.0))
        return ink

    def _paint_cell(self, p: QPainter, row: int, column: int) -> None:
        assert self._data is not None
        rect = self.cell(row, column).adjusted(1, 1, -1, -1)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(self._ink(row, column))
        p.drawRoundedRect(rect, em(0.2), em(0.2))
        verdict = int(self._verdicts[row, column])
        if verdict == TIGHT:
            hatch(p, rect, colour("text"))
        p.setFont(figures(0.78))
        text = f"{self._data.peak[row, column] / GIB:.1f}" if verdict != NOT_VALID else "–"
        wide = p.fontMetrics().horizontalAdvance(text) + em(0.3)
        if wide + em(0.2) < rect.width() and rect.height() > em(1.1):
            if verdict == TIGHT:  # no stripe goes through the figure
                p.setPen(Qt.PenStyle.NoPen)
                p.setBrush(colour("card"))
                p.drawRoundedRect(QRectF(rect.center() - QPointF(wide, em(1)) / 2, QSizeF(wide, em(1))), 2, 2)
            p.setPen(colour("text"))
            p.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), text)

    def _paint_axes(self, p: QPainter) -> None:
        assert self._data is not None
        p.setFont(figures(0.82))
        p.setPen(colour("muted"))
        for row, batch in enumerate(self._data.batches):
            rect = self.cell(row, 0)
            box = QRectF(0, rect.top(), self._plot().left() - em(0.4), rect.height())
            p.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), f"{batch:,}")
        for column, context in enumerate(self._data.contexts):
            rect = self.cell(0, column)
            box = QRectF(rect.left() - em(0.5), rect.bottom() + em(0.3), rect.width() + em(1), em(1.2))
            p.drawText(box, int(Qt.AlignmentFlag.AlignCenter), tokens(context))

    def contour(self) -> list[tuple[QPointF, QPointF]]:
        """The edges between cells that fit, tightly too, and cells that do not."""
        assert self._data is not None
        inside = (self._verdicts == FITS) | (self._verdicts == TIGHT)
        down, across = inside.shape
        edges = []
        for row in range(down):
            for column in range(across):
                rect = self.cell(row, column)
                if column + 1 < across and inside[row, column] != inside[row, column + 1]:
                    edges.append((rect.topRight(), rect.bottomRight()))
                if row + 1 < down and inside[row, column] != inside[row + 1, column]:
                    edges.append((rect.topLeft(), rect.topRight()))
        return edges

    def _paint_contour(self, p: QPainter) -> None:
        p.setPen(QPen(colour("text"), 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for a, b in self.contour():
            p.drawLine(a, b)

    def _paint_meant(self, p: QPainter) -> None:
        p.setBrush(Qt.BrushStyle.NoBrush)
        for (row, column), ink, width in ((self._current, "accent", 2.6), (self._hovered, "text", 1.8)):
            if row >= 0 and column >= 0:
                p.setPen(QPen(colour(ink), width))
                p.drawRoundedRect(self.cell(row, column).adjusted(1.5, 1.5, -1.5, -1.5), em(0.2), em(0.2))

    # pointing and keys

    def words_of(self, row: int, column: int) -> str:
        """What a cell says when it is pointed at."""
        assert self._data is not None
        verdict = WORDS[int(self._verdicts[row, column])]
        need = "" if self._data.peak[row, column] < 0 else f"{self._need(row, column)}, "
        return f"batch {self._data.batches[row]:,} × {self._data.contexts[column]:,} tokens: {need}{verdict}"

    def _hover(self, cell: tuple[int, int]) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.update()
            self.hovered.emit(*cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.cell_at(event.position()))

    def leaveEvent(self, _event: QEvent) -> None:
        self._hover((-1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pick(self.cell_at(event.position()))

    def _pick(self, cell: tuple[int, int]) -> None:
        if cell[0] >= 0 and self._data is not None and self._data.peak[cell] >= 0:
            self.picked.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        step = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (1, 0),
            Qt.Key.Key_Down: (-1, 0),
        }.get(key)
        if self._data is None or not self._data.peak.size:
            super().keyPressEvent(event)
        elif step:
            down, across = self._data.peak.shape
            here = self._hovered if self._hovered[0] >= 0 else self._current
            there = (here[0] + step[0], here[1] + step[1]) if here[0] >= 0 else (0, 0)
            cell = min(max(there[0], 0), down - 1), min(max(there[1], 0), across - 1)
            self._hover(cell)
            self.setAccessibleDescription(self.words_of(*cell))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._pick(self._hovered if self._hovered[0] >= 0 else self._current)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self.cell_at(QPointF(event.pos()))
            if cell[0] >= 0:
                QToolTip.showText(event.globalPos(), self.words_of(*cell), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)
