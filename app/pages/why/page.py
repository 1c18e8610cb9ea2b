"""The answer to "Why did I run out?": a field to paste into, and below it what happened, the run's bar and ledger, and
the smallest change. It paints one `WhyView` at a time and asks for everything else by signals.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QFocusEvent, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.pages.why.paste_field import PasteCard, PasteField
from app.pages.why.state import WhyView
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.flow import Flow
from app.widgets.ledger_table import LedgerTable
from app.widgets.scroll import Scrolled
from app.widgets.surface import Card, Words, caption, focus_ring, painter_on
from app.widgets.tier_bar import TierBar

ROW, MOST_ROWS = 1.75, 12  # em; rows of the ledger that are seen without scrolling it


class Sentence(Words):
    """One of many below each other: as high as its lines are at this width, and never higher."""

    def __init__(self, text: str) -> None:
        super().__init__("", "text", wrap=True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setText(text)
        self.setAccessibleName(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(em(12), self.fontMetrics().height())


class Answer(Scrolled):
    """The answer takes the focus, so that it can be read to its end with the arrow keys."""

    def __init__(self, card: QWidget) -> None:
        super().__init__(card)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Answer")

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()


class AnswerCard(Card):
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        viewport = self.parentWidget()
        scrolled = viewport.parentWidget() if viewport is not None else None
        if scrolled is not None and scrolled.hasFocus():
            focus_ring(painter_on(self), QRectF(self.rect()), em(0.55))


class WhyPage(QWidget):
    """`edited` whenever the text changes; `change_wanted` carries the plan before and after; `open_wanted` a plan."""

    edited = Signal()
    change_wanted = Signal(object, object)
    open_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: WhyView | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(1.1), em(0.9), em(1.1), em(0.9))
        layout.setSpacing(em(0.6))
        layout.addWidget(caption("Error, traceback or command"))
        self.field = PasteField("Error, traceback or command")
        self.field.setPlaceholderText("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate …")
        self.field.textChanged.connect(self.edited.emit)
        layout.addWidget(PasteCard(self.field), 2)
        layout.addWidget(Answer(self._answer()), 5)
        layout.addLayout(self._buttons())

    def _answer(self) -> QWidget:
        card = AnswerCard()
        top = QHBoxLayout()
        self.headline = Words("", "text", 1.45, bold=True, wrap=True)
        self.headline.setAccessibleName("Why it ran out")
        self.expected = Words("", "muted", 0.98, fixed=True)
        self.expected.setAccessibleName("Expected memory of that run")
        top.addWidget(self.headline, 1)
        top.addWidget(self.expected, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        card.body.addLayout(top)
        self.change_words = Words("", "text", bold=True, wrap=True)
        card.body.addWidget(self.change_words)
        self._chips = QWidget()
        self._flow = Flow(self._chips)
        card.body.addWidget(self._chips)
        self._bars: list[TierBar] = []
        self._bar_box = QVBoxLayout()
        self._bar_box.setSpacing(em(0.2))
        card.body.addLayout(self._bar_box)
        self._sentences = QVBoxLayout()
        self._sentences.setSpacing(em(0.25))
        card.body.addLayout(self._sentences)
        self.rows_heading = caption("")
        card.body.addWidget(self.rows_heading)
        self.table = LedgerTable()
        self.table.picked.connect(self._picked)
        card.body.addWidget(self.table)
        card.body.addStretch(1)
        return card

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.open = Button("&Open this run as a plan")
        self.open.setAccessibleName("Open this run as a plan")
        self.open.clicked.connect(self._open)
        self.close_button = Button("&Close")
        self.close_button.setAccessibleName("Close")
        for button in (self.open, self.close_button):
            button.setAutoDefault(False)  # Enter on a bar or a row is not for them
        row.addStretch(1)
        row.addWidget(self.open)
        row.addWidget(self.close_button)
        return row

    def show_view(self, view: WhyView) -> None:
        """Paint this answer; a screen reader is told its first line when that is new."""
        told = self._view.headline if self._view else ""
        self._view = view
        self.headline.setText(view.headline)
        self.headline.set_role(view.tone)
        if told not in ("", view.headline):
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, view.headline))
        self.expected.setText(view.expected)
        self._show_bars(view)
        self._show_sentences(view)
        self._show_changes(view)
        self.rows_heading.setText(view.rows_heading.upper())
        self.rows_heading.setAccessibleName(view.rows_heading)
        for widget in (self.rows_heading, self.table):
            widget.setVisible(bool(view.rows))
        self.table.show_rows(view.rows)
        self.table.setFixedHeight(em(ROW * (1 + min(MOST_ROWS, len(view.rows)))))
        self.open.setEnabled(view.run_plan is not None)

    def _show_bars(self, view: WhyView) -> None:
        while len(self._bars) < len(view.bars):
            bar = TierBar()
            bar.picked.connect(self._picked)
            self._bars.append(bar)
            self._bar_box.addWidget(bar)
        for i, bar in enumerate(self._bars):
            bar.setVisible(i < len(view.bars))
            if i < len(view.bars):
                bar.show_bar(view.bars[i], main=i == 0)

    def _show_sentences(self, view: WhyView) -> None:
        while (item := self._sentences.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for heading, sentences in view.groups:
            if heading:
                self._sentences.addSpacing(em(0.35))
                self._sentences.addWidget(caption(heading))
            for sentence in sentences:
                self._sentences.addWidget(Sentence(sentence))

    def _show_changes(self, view: WhyView) -> None:
        self._flow.clear()
        self.change_words.setText(view.suggestions_heading)
        self.change_words.setVisible(bool(view.suggestions_heading))
        for s in view.suggestions:
            chip = Button(s.text, pill=True)
            chip.setAccessibleName(s.text)
            chip.setAccessibleDescription(s.detail)
            chip.setToolTip(s.detail)
            chip.clicked.connect(lambda _on=False, plan=s.plan: self.change_wanted.emit(view.before, plan))
            self._flow.addWidget(chip)
        self._chips.setVisible(bool(view.suggestions))
        self._chips.updateGeometry()

    def _picked(self, key: object) -> None:
        chosen = key if isinstance(key, int) else None
        self.table.select(chosen)
        for bar in self._bars[:1]:
            bar.select(chosen)

    def _open(self) -> None:
        if self._view is not None and self._view.run_plan is not None:
            self.open_wanted.emit(self._view.run_plan)
