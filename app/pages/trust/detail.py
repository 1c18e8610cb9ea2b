"""One run looked at closely: what was said, what it took, and where the miss lies as far as it was measured."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.pages.trust.rows import Origin, TrustRow
from app.pages.trust.split import Split, split_of
from app.pages.trust.state import bytes_words, miss_words
from app.shown import Part, span_words
from app.theme import colour, em, figures, font
from app.widgets.said_took import SaidTook
from app.widgets.surface import Card, Elided, Words, caption, painter_on
from planner.ledger import Kind
from planner.units import words

KINDS = {kind.value: kind for kind in Kind}
ORIGIN_WORDS = {Origin.PUBLISHED: "published by", Origin.RUN: "run on", Origin.PROOF: "proved on"}

Line = tuple[str, str, str, str, bool]  # part, said, took, miss, is it a sum


def split_lines(row: TrustRow, split: Split) -> list[Line]:
    """The table of the parts; of a run of which only the sum is known, what was said of each part."""
    if split.shares:
        return [
            (s.name, words(s.predicted), words(s.measured), bytes_words(s.miss_bytes), s.total) for s in split.shares
        ]
    parts: list[Line] = [(name, words(size), "–", "–", False) for name, size in row.parts]
    return [*parts, (row.counter_words, words(row.expected), words(row.measured), bytes_words(row.miss_bytes), True)]


class SplitTable(QWidget):
    """Part, said, took, miss; sums in bold under a line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: Sequence[Line] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The miss by part")

    def show_lines(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        told = [f"{name}: said {said}, took {took}, miss {miss}" for name, said, took, miss, _ in lines]
        self.setAccessibleDescription("; ".join(told))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(20), round(em(1.45) * (len(self._lines) + 1)))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(14), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        wide, tall = em(4.9), em(1.45)
        room = self.width() - 3 * wide
        y = 0.0
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for name, said, took, miss, total in (("", "said", "took", "miss", False), *self._lines):
            weight = QFont.Weight.DemiBold if total else QFont.Weight.Normal
            if total:
                p.setPen(QPen(colour("border"), 1))
                p.drawLine(QLineF(0, y + 0.5, self.width(), y + 0.5))
            p.setFont(font(0.92, weight=weight))
            p.setPen(colour("text" if total else "muted"))
            shown = p.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, round(room - em(0.3)))
            p.drawText(QRectF(0, y, room, tall), int(Qt.AlignmentFlag.AlignVCenter), shown)
            p.setFont(figures(0.88, weight=weight) if name else font(0.85))
            for i, text in enumerate((said, took, miss)):
                p.setPen(colour("text" if name and (total or i < 2) else "muted"))
                p.drawText(QRectF(room + i * wide, y, wide, tall), right, text)
            y += tall


class DetailCard(Card):
    """The row that is selected, or pointed at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body.addWidget(caption("This run"))
        self.title = Elided("", "text", 1.15, bold=True)
        self.title.setAccessibleName("Run looked at")
        self.facts = Words("", "muted", 0.92, wrap=True)
        self.facts.setAccessibleName("What was run")
        self.miss = Words("", "text", wrap=True)
        self.miss.setAccessibleName("Its miss")
        self.bars = SaidTook()
        self.table = SplitTable()
        self.why_not = Words("", "muted", 0.92, wrap=True)
        for widget in (self.title, self.facts, self.bars, self.miss, self.table, self.why_not):
            self.body.addWidget(widget)
        self.show_row(None)

    def show_row(self, row: TrustRow | None) -> None:
        for widget in (self.facts, self.bars, self.miss, self.table):
            widget.setVisible(row is not None)
        if row is None:
            self.title.setText("No run is picked")
            self.why_not.setText("Point at a marker, click it, or walk with the arrow keys: ← → by size, ↑ ↓ by miss.")
            self.why_not.show()
            return
        split = split_of(row)
        self.title.setText(row.name)
        where = f"{ORIGIN_WORDS[row.origin]} {row.source}"
        facts = [where, row.model.rsplit("/", 1)[-1], row.card, ", ".join(row.techniques)]
        if row.high:
            band = f"Stated {span_words(row.low, row.high)}; figures of {row.counter_words}."
        else:
            band = f"Said by formulas alone, before what this computer taught; figures of {row.counter_words}."
        self.facts.setText(f"{' · '.join(dict.fromkeys(facts))}\n{band}")
        self.bars.show_figures(
            (row.low or row.expected, row.expected, row.high or row.expected), _parts(row), row.measured, over=True
        )
        self.miss.setText(miss_words(row))
        self.miss.set_role("text" if row.inside else "bad")
        self.table.show_lines(split_lines(row, split))
        self.why_not.setText(split.why_not)
        self.why_not.setVisible(bool(split.why_not))


def _parts(row: TrustRow) -> tuple[Part, ...]:
    parts = row.parts or (("said", row.expected),)
    return tuple(Part(i, name, KINDS.get(name), size) for i, (name, size) in enumerate(parts))
