"""The card "What this computer has taught": each correction with its amount, spread and evidence, and a way to drop it.

It shows corrections that it is given and asks to have one removed or brought back; where they are kept is not its
business. A removal can be undone as long as the window is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.surface import Card, Elided, Words, caption
from planner.calibration.correction import ACTIVATIONS, ALLOCATOR, CONTEXT, POWER, PROOF, SPEED, Correction
from planner.calibration.said import size_in_words

TERMS = {
    CONTEXT: "Context of the process",
    SPEED: "Time of a step",
    POWER: "Power while it trains",
    ALLOCATOR: "What the allocator keeps",
    ACTIVATIONS: "What grows with the batch",
    PROOF: "One plan, proved",
}
NOTHING_YET = (
    "Nothing yet. A finished run or a proof shows how far the context of the process, the allocator and the activations "
    "are from what is said on this computer; what it teaches stands here and can be taken away."
)
NAMELESS: Mapping[str, str] = MappingProxyType({})


def evidence_words(correction: Correction) -> str:
    """`from 4 runs on a processor`."""
    n = len(correction.runs)
    what = "proof" if correction.term == PROOF else "run"
    return f"from {n} {what}{'' if n == 1 else 's'} on {device_words(correction)}"


def device_words(correction: Correction) -> str:
    """Its name; the kind before it is for the planner."""
    return correction.device.partition(" ")[2] or correction.device


class _Remove(QUndoCommand):
    def __init__(self, card: TaughtCard, correction: Correction) -> None:
        super().__init__(f"remove {TERMS.get(correction.term, correction.term)}")
        self._card, self._correction = card, correction

    def redo(self) -> None:
        self._card.forget.emit(self._correction)

    def undo(self) -> None:
        self._card.restore.emit(self._correction)


class _Line(QWidget):
    """One correction."""

    remove = Signal()

    def __init__(self, correction: Correction, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, em(0.15), 0, em(0.15))
        column = QVBoxLayout()
        column.setSpacing(0)
        term = TERMS.get(correction.term, correction.term)
        name = Elided(f"{what or term}: {size_in_words(correction)}", "text")
        evidence = Elided(evidence_words(correction), "muted", 0.9)
        evidence.setAccessibleDescription(", ".join(correction.runs))
        column.addWidget(name)
        column.addWidget(evidence)
        row.addLayout(column, 1)
        button = QuietButton("Remove", "close")
        button.setAccessibleName(f"Remove {what or term} of {device_words(correction)}")
        button.setToolTip("Plans are told without it from now on; it can be undone")
        button.clicked.connect(self.remove.emit)
        self.setToolTip("\n".join(correction.runs))
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)


class TaughtCard(Card):
    """`forget` and `restore` carry a `Correction`; whoever keeps them shows what is left with `show_corrections`."""

    forget = Signal(object)
    restore = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        head = QHBoxLayout()
        head.addWidget(caption("What this computer has taught"))
        head.addStretch(1)
        self.undo = QuietButton("Undo", "undo")
        self.undo.setAccessibleName("Undo removing a correction")
        self.undo.clicked.connect(self.stack.undo)
        self.undo.hide()
        self.stack.canUndoChanged.connect(self.undo.setVisible)
        self.stack.undoTextChanged.connect(lambda text: self.undo.setToolTip(f"Undo {text}"))
        head.addWidget(self.undo)
        self.body.addLayout(head)
        self.empty = Words(NOTHING_YET, "muted", 0.95, wrap=True)
        self.body.addWidget(self.empty)
        self._lines: list[_Line] = []
        self.corrections: tuple[Correction, ...] = ()

    def show_corrections(self, corrections: Sequence[Correction], what: Mapping[str, str] = NAMELESS) -> None:
        """what: was trained in a proof, by the name of its run."""
        if tuple(corrections) == self.corrections:
            return
        self.corrections = tuple(corrections)
        for line in self._lines:
            self.body.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._lines = []
        for correction in self.corrections:
            proved = what.get(correction.runs[0], "") if correction.term == PROOF and correction.runs else ""
            line = _Line(correction, f"{proved}, proved" if proved else "")
            line.remove.connect(lambda c=correction: self.stack.push(_Remove(self, c)))
            self.body.addWidget(line)
            self._lines.append(line)
        self.empty.setVisible(not self.corrections)
