"""The right side of the Plan page: the verdict in words, a bar per tier, when, and why, byte by byte.

It paints one `PlanView` at a time. What a person picks in a bar, a row or a moment stays in step in all three.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.pages.plan.dry_run_card import DryRunCard
from app.pages.plan.state import PlanView
from app.theme import em
from app.widgets.chart_card import ChartCard
from app.widgets.ledger_table import LedgerTable
from app.widgets.moments_chart import MomentsChart
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, Elided, Words, caption
from app.widgets.tier_bar import TierBar


class BudgetPanel(QScrollArea):
    """The page's figures. `moment_picked` carries an `At`."""

    moment_picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBar(ScrollBar())
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Budget")
        inner = QWidget()
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(em(0.7))
        self._layout.addWidget(self._verdict_card())
        self.dry_run = DryRunCard()
        self._layout.addWidget(self.dry_run)
        self.moments = MomentsChart()
        self.moments.picked.connect(self.moment_picked.emit)
        self._when = ChartCard("When", self.moments, ("Phase", "Moment", "Live tensors"), self._moment_rows)
        self._layout.addWidget(self._when)
        self._layout.addWidget(self._why_card(), 1)
        self.setWidget(inner)

    def _verdict_card(self) -> Card:
        card = Card()
        top = QHBoxLayout()
        self.headline = Words("", "text", 1.55, bold=True, wrap=True)
        self.headline.setAccessibleName("Verdict")
        self.expected = Words("", "muted", 0.98, fixed=True)
        self.expected.setAccessibleName("Expected memory")
        top.addWidget(self.headline, 1)
        top.addWidget(self.expected, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        card.body.addLayout(top)
        self.because = Words("", "muted", wrap=True)
        card.body.addWidget(self.because)
        self.proved = Words("", "good", wrap=True)
        self.proved.setAccessibleName("Proof")
        self.proved.hide()
        card.body.addWidget(self.proved)
        self.evidence = Words("", "muted", 0.9, wrap=True)
        self.evidence.setAccessibleName("How far such figures have missed")
        card.body.addWidget(self.evidence)
        self._bars: list[TierBar] = []
        self._bar_box = QVBoxLayout()
        self._bar_box.setSpacing(em(0.2))
        card.body.addLayout(self._bar_box)
        return card

    def _why_card(self) -> Card:
        card = Card()
        head = QHBoxLayout()
        head.addWidget(caption("Why, byte by byte"))
        head.addStretch(1)
        self.rows_heading = Elided("", "muted", 0.9)
        self.rows_heading.setAlignment(Qt.AlignmentFlag.AlignRight)
        head.addWidget(self.rows_heading, 1)
        card.body.addLayout(head)
        self.table = LedgerTable()
        self.table.picked.connect(self._part_picked)
        card.body.addWidget(self.table, 1)
        return card

    def show_view(self, view: PlanView) -> None:
        self.headline.setText(view.headline)
        self.headline.set_role(view.tone)
        self.expected.setText(view.expected)
        self.because.setText(view.because)
        self.because.setVisible(bool(view.because))
        self.evidence.setText(view.evidence)
        self.evidence.setVisible(bool(view.evidence))
        while len(self._bars) < len(view.bars):
            bar = TierBar()
            bar.picked.connect(self._part_picked)
            self._bars.append(bar)
            self._bar_box.addWidget(bar)
        for i, bar in enumerate(self._bars):
            bar.setVisible(i < len(view.bars))
            if i < len(view.bars):
                bar.show_bar(view.bars[i], main=i == 0)
        self._when.setVisible(bool(view.moments))
        self._when.say(view.moments_sentence)
        self.moments.show_moments(view.moments, view.chosen, view.moments_sentence)
        self._when.refresh_table()
        self.rows_heading.setText(view.rows_heading)
        self.table.show_rows(view.rows)
        self._part_picked(self.table.selected_key())

    def show_proved(self, sentence: str) -> None:
        """What a proof of this very plan measured; empty where there is none."""
        self.proved.setText(sentence)
        self.proved.setVisible(bool(sentence))

    def see_dry_run(self) -> None:
        """Bring a result that has just come into sight, when the layout has made room for it."""
        QTimer.singleShot(0, lambda: self.verticalScrollBar().setValue(max(0, self.dry_run.y() - em(0.7))))

    def _part_picked(self, key: object) -> None:
        chosen = key if isinstance(key, int) else None
        self.table.select(chosen)
        for bar in self._bars[:1]:
            bar.select(chosen)

    def _moment_rows(self) -> list[tuple[str, ...]]:
        return [tuple(row) for row in self.moments.as_rows()]

    def minimumSizeHint(self) -> QSize:
        return QSize(em(37), em(20))
