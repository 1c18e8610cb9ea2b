"""The chips beside Start: ways to fit, or what the room left could be used for. A press changes the plan, undoably.

They paint what `advice` made. While the plan has changed and new ones are looked for, the old ones are greyed.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.shown import Suggestion
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.flow import Flow
from app.widgets.surface import Elided


class Chips(QWidget):
    """`picked` carries a `Plan`."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What could be changed")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.flow = Flow(self, at_right=True)
        self.words = Elided("", "muted")
        self.words.setFixedHeight(em(1.75))
        self.words.hide()
        self.flow.addWidget(self.words)  # first, in the same line as the chips where there is room
        self.buttons: list[Button] = []

    def pending(self) -> None:
        """The plan has changed: chips priced against the old one cannot be pressed."""
        for button in self.buttons:
            button.setEnabled(False)

    @property
    def ready(self) -> bool:
        """Whether there are chips and they speak of the plan as it is."""
        return bool(self.buttons) and all(b.isEnabled() for b in self.buttons)

    def show_suggestions(self, heading: str, suggestions: tuple[Suggestion, ...]) -> None:
        """Chips for these; the heading alone where there is none."""
        self.words.setText(heading)
        self.words.setVisible(bool(heading))
        for button in self.buttons:
            self.flow.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = []
        for s in suggestions:
            chip = Button(s.text, pill=True)
            chip.setAccessibleName(s.text)
            chip.setAccessibleDescription(" ".join(s.detail.split("\n")))
            chip.setToolTip(s.detail)
            chip.setEnabled(s.possible)
            chip.clicked.connect(lambda _on=False, plan=s.plan: self.picked.emit(plan))
            self.flow.addWidget(chip)
            chip.show()
            self.buttons.append(chip)
        self.flow.invalidate()
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        return QSize(em(9), em(1.75))

    def sizeHint(self) -> QSize:
        wide = sum(b.sizeHint().width() + em(0.4) for b in self.buttons) + self.words.sizeHint().width()
        return QSize(wide, em(1.75))
