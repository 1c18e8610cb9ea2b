"""Search and filter chips over the list of runs: a field that filters while one types, a chip for each state and tag.

It tells what is asked and is shown what each chip would leave; it holds no runs.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.pages.runs.state import RunsState
from app.pages.runs.words import SIGNS
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.fields import TextField
from app.widgets.flow import Flow
from planner.run.library import RunState

MOST_TAGS = 24


class SearchField(TextField):
    """Esc empties it, Down and Return go on to the list."""

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Search   ( / )")
        self.setAccessibleName("Search runs")
        self.setToolTip(
            "In name, model, method, state, tags and note; every word must be found. / or Ctrl+F comes here, Esc empties it"
        )
        self.setClearButtonEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class Filters(QWidget):
    """`searched` carries what is typed, `states_asked` and `tags_asked` what is pressed."""

    searched = Signal(str)
    states_asked = Signal(object)
    tags_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(0.7))
        self.search = SearchField()
        self.search.setMinimumWidth(em(15))
        self.search.setMaximumWidth(em(26))
        self.search.textChanged.connect(self.searched.emit)
        row.addWidget(self.search, 0, Qt.AlignmentFlag.AlignTop)
        self._chips = QWidget()
        self._chips.setAccessibleName("Filters")
        # not Minimum: the least height would be that of all chips below each other, and the window would grow by it
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self._chips.setSizePolicy(policy)
        self._flow = Flow(self._chips)
        row.addWidget(self._chips, 1, Qt.AlignmentFlag.AlignVCenter)
        self.buttons: dict[tuple[str, str], Button] = {}

    def show_state(self, state: RunsState) -> None:
        """Chips for what there is; those that stay are only told their new figures, so that none is lost under a finger."""
        wanted = {("state", name): (n, name in state.states) for name, n in state.state_counts()}
        tags = state.tag_counts()
        asked = [entry for entry in tags if entry[0] in state.tags]
        for name, n in (*asked, *(entry for entry in tags if entry[0] not in state.tags))[:MOST_TAGS]:
            wanted["tag", name] = n, name in state.tags
        if list(wanted) != list(self.buttons):
            self._rebuild(list(wanted))
        for key, (n, on) in wanted.items():
            kind, name = key
            chip = self.buttons[key]
            text = f"{SIGNS[RunState(name)]} {name} {n:,}" if kind == "state" else f"#{name} {n:,}"
            if chip.text() != text:
                chip.setText(text)
                chip.updateGeometry()
            chip.setChecked(on)
            chip.setAccessibleName(f"{kind} {name}")
            chip.setAccessibleDescription(f"{n:,} runs")

    def _rebuild(self, keys: list[tuple[str, str]]) -> None:
        self._flow.clear()
        self.buttons = {}
        for key in keys:
            chip = Button("", pill=True)
            chip.setCheckable(True)
            chip.clicked.connect(lambda _on=False, kind=key[0]: self._tell(kind))
            self._flow.addWidget(chip)
            chip.show()
            self.buttons[key] = chip
        self._flow.invalidate()
        self._chips.updateGeometry()

    def _tell(self, kind: str) -> None:
        pressed = frozenset(name for (k, name), chip in self.buttons.items() if k == kind and chip.isChecked())
        (self.states_asked if kind == "state" else self.tags_asked).emit(pressed)
