"""Above the page: what is explored, and the five questions, of which one is asked."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from app.theme import colour, em, font
from app.widgets.flow import Flow
from app.widgets.surface import Elided, focus_ring, over, painter_on
from planner.explore.answer import ASKED, Question

KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}


class Pill(QPushButton):
    """One question; the one that is asked is filled."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setCheckable(True)
        self.setFont(font(1.0))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(text)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + em(1.6), em(2.1))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        rect, on = QRectF(self.rect()), self.isChecked()
        radius = rect.height() / 2
        p.setPen(QPen(colour("accent" if on else "muted" if self.underMouse() else "border"), 1))
        p.setBrush(colour("accent" if on else "card"))
        p.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        p.setFont(self.font())
        p.setPen(colour("on_accent" if on else "text"))
        p.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), self.text())
        if self.hasFocus() and on:  # a ring in the fill's own colour would not be seen
            p.setPen(QPen(colour("on_accent"), 1.5))
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawRoundedRect(rect.adjusted(3, 3, -3, -3), radius - 2, radius - 2)
        elif self.hasFocus():
            focus_ring(p, rect, radius)


class Questions(QWidget):
    """`asked` carries a `Question`. Arrow keys go from one to the next."""

    asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Questions")
        self._group = QButtonGroup(self)
        flow = Flow(self)
        self.pills: dict[Question, Pill] = {}
        for number, (question, words) in enumerate(ASKED.items()):
            pill = Pill(words)
            self._group.addButton(pill, number)
            flow.addWidget(pill)
            self.pills[question] = pill
        self._group.idClicked.connect(lambda number: self.asked.emit(list(ASKED)[number]))
        self.show_question(Question.BEST)

    def show_question(self, question: Question) -> None:
        self.pills[question].setChecked(True)

    def sizeHint(self) -> QSize:
        wide = sum(pill.sizeHint().width() + em(0.4) for pill in self.pills.values())
        return QSize(wide, em(2.1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = KEYS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        pills = list(self.pills.values())
        here = next((i for i, pill in enumerate(pills) if pill.hasFocus()), 0)
        there = pills[(here + step) % len(pills)]
        there.setFocus(Qt.FocusReason.TabFocusReason)
        there.click()


class Head(QWidget):
    """Title and what it is about at the left, the questions at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(1))
        self.title = Elided("What fits best?", "text", 1.5, bold=True)
        self.title.setAccessibleName("Explore title")
        self.about = Elided("", "muted", 0.92)
        self.about.setAccessibleName("What is explored")
        self.questions = Questions()
        row.addLayout(over(self.title, self.about), 1)
        row.addWidget(self.questions, 2)

    def show_about(self, words: str, *, stale: bool = False) -> None:
        """What is explored; stale: that it is of a plan as it was."""
        self.about.setText(words)
        self.about.set_role("warn" if stale else "muted")
