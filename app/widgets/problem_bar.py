"""The bar above a page that says what is wrong, why, and what to do; never modal, never a traceback.

It shows the newest problem and how many others wait behind it. A screen reader is told through its accessible text.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.icons import tinted
from app.theme import colour, em
from app.widgets.buttons import Button, QuietButton
from app.widgets.surface import Words, painter_on
from planner.problem import Problem


class ProblemBar(QFrame):
    """Shows problems one at a time, each with its advice, an optional button, and a way to put it aside."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[tuple[Problem, str, Callable[[], None] | None]] = []
        self.setAccessibleName("Problem")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        row = QHBoxLayout(self)
        row.setContentsMargins(em(0.9), em(0.5), em(0.5), em(0.5))
        row.setSpacing(em(0.7))
        self._sign = QLabel(self)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        self.fact = Words("", "text", 1.0, bold=True, wrap=True)
        self.advice = Words("", "text", wrap=True)
        texts.addWidget(self.fact)
        texts.addWidget(self.advice)
        self._more = Words("", "muted", 0.88)
        self.button = Button("")
        self.button.clicked.connect(self._act)
        self.close_button = QuietButton("", "close")
        self.close_button.setAccessibleName("Put this problem aside")
        self.close_button.clicked.connect(self.next)
        row.addWidget(self._sign)
        row.addLayout(texts, 1)
        row.addWidget(self._more)
        row.addWidget(self.button)
        row.addWidget(self.close_button)
        self.hide()

    @property
    def problem(self) -> Problem | None:
        """The problem shown, None when there is none."""
        return self._waiting[-1][0] if self._waiting else None

    def show_problem(self, problem: Problem, action: str = "", act: Callable[[], None] | None = None) -> None:
        """Show `problem`; the same one is shown once, however often it is told."""
        self._waiting = [w for w in self._waiting if w[0] != problem]
        self._waiting.append((problem, action, act))
        self._show()
        self.setAccessibleDescription(f"{problem.fact} {problem.advice}")
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, f"{problem.fact} {problem.advice}"))

    def drop(self, code_start: str) -> None:
        """Take away problems that no longer hold, by the start of their code (`estimate.`)."""
        self._waiting = [w for w in self._waiting if not w[0].code.startswith(code_start)]
        self._show()

    def next(self) -> None:
        """Put the shown problem aside and show the one behind it."""
        if self._waiting:
            self._waiting.pop()
        self._show()

    def _act(self) -> None:
        act = self._waiting[-1][2] if self._waiting else None
        self.next()
        if act:
            act()

    def _show(self) -> None:
        self.setVisible(bool(self._waiting))
        if not self._waiting:
            return
        problem, action, _act = self._waiting[-1]
        self._sign.setPixmap(tinted("warning", colour("bad")).pixmap(em(1.6), em(1.6)))
        self.fact.setText(problem.fact)
        self.fact.setToolTip(problem.fact)
        self.advice.setText(problem.advice)
        self.advice.setToolTip(problem.code)
        self.button.setText(action)
        self.button.setAccessibleName(action)
        self.button.setVisible(bool(action))
        behind = len(self._waiting) - 1
        self._more.setText(f"{behind} more" if behind else "")

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("bad"), 1))
        p.setBrush(colour("problem"))
        p.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), em(0.45), em(0.45))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("bad"))
        p.drawRoundedRect(QRectF(0, em(0.4), 4, self.height() - em(0.8)), 2, 2)
