"""Sharing the open plan, and opening one that somebody shared: the dialog, and what Ctrl+V does with a plan's text.

What is shared is made from the stripped plan alone, so nothing that the dialog shows or copies can name the person, the
computer or a path. What is pasted becomes the plan as one change that can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from app import background
from app.document import Document
from app.shell.share_card import ShareCard
from app.theme import em, theme
from app.widgets.buttons import Button
from app.widgets.surface import Words, over
from planner import share
from planner.estimate import Estimate, estimate
from planner.plan import Plan
from planner.problem import Problem, ProblemError
from planner.share_home import at_home
from planner.share_stripped import stripped
from planner.share_words import two_lines
from planner.timing.timed import timed

STAYS = (
    "Model, answers, sizes and row lengths are shared. Paths, rows, the prompt, and the names of this computer and of its"
    " programs are not."
)
HOW_TO_OPEN = "To open it in Plimsoll: copy this message and press Ctrl+V in the window."


@dataclass(frozen=True)
class Sharable:
    """Everything of one plan that may be shared. text: empty where `refused` says why there is none."""

    estimate: Estimate
    lines: tuple[str, str]
    text: str = ""
    refused: Problem | None = None


def sharable(plan: Plan) -> Sharable:
    """Off the GUI thread: many rows take a second. Its figures are the plan's own."""
    bare = stripped(plan)
    now = estimate(bare)
    lines = two_lines(now, timed(bare) if now.tiers else None)
    try:
        return Sharable(now, lines, share.as_text(plan))
    except ProblemError as error:
        return Sharable(now, lines, refused=error.problem)


class ShareDialog(QDialog):
    """Not modal: it follows the open plan. `acted` carries a sentence for the status bar."""

    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Share this plan")
        self.setAccessibleName("Share this plan")
        self._document = document
        self._task = background.Task()
        self.shown: Sharable | None = None
        self._found_once = False
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(em(1.2), em(1.1), em(1.2), em(1.0))
        layout.setSpacing(em(0.8))
        self.card = ShareCard()
        layout.addWidget(self.card)
        stays = Words(STAYS, "muted", 0.92, wrap=True)
        self.about = Words("", "muted", 0.92, wrap=True)
        self.about.setAccessibleName("About the text")
        layout.addLayout(over(stays, self.about))
        self._wrapped = (stays, self.about)
        layout.addLayout(self._buttons())
        document.changed.connect(lambda _now: self._look() if self.isVisible() else None)
        theme().changed.connect(self.card.update)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(em(0.5))
        row.addStretch(1)
        self.copy_text = self._button(row, "Copy &text", "The verdict in two lines", self._copy_text)
        self.copy_picture = self._button(
            row, "Copy p&icture", "The picture above, at twice its size", self._copy_picture
        )
        self.save_picture = self._button(row, "&Save picture…", "The picture as a PNG file", self._ask_save)
        tip = "The two lines, and the plan as a text that Ctrl+V opens again"
        self.copy_plan = self._button(row, "&Copy plan", tip, self._copy_plan, primary=True)
        return row

    def _button(
        self, row: QHBoxLayout, text: str, tip: str, do: Callable[[], None], *, primary: bool = False
    ) -> Button:
        button = Button(text, primary=primary)
        button.setAccessibleName(text.replace("&", ""))
        button.setAccessibleDescription(tip)
        button.setToolTip(tip)
        button.setEnabled(False)
        button.setDefault(primary)
        button.clicked.connect(lambda _on=False: do())
        row.addWidget(button)
        return button

    def ask(self) -> None:
        """Show the open plan."""
        self._look()
        self.show()
        self.raise_()
        self.activateWindow()
        self.copy_plan.setFocus()

    def leave(self) -> None:
        """The window closes: a text under way finds nobody any more."""
        self._task.cancel()

    def _look(self) -> None:
        """What was shown belongs to a plan that is gone: nothing of it can be copied any more."""
        plan = self._document.plan
        self._task.cancel()
        for button in (self.copy_text, self.copy_picture, self.save_picture, self.copy_plan):
            button.setEnabled(False)
        if plan is not None:
            self._task = background.run(lambda: sharable(plan), self._show, self.problem.emit)

    def _show(self, found: Sharable) -> None:
        self.shown = found
        self.card.show_estimate(found.estimate, found.lines)
        for button in (self.copy_text, self.copy_picture, self.save_picture):
            button.setEnabled(True)
        self.copy_plan.setEnabled(bool(found.text))
        if found.refused is not None:
            self.about.setText(f"The plan has no text: {found.refused.fact} {found.refused.advice}")
        else:
            self.about.setText(
                f"The plan as text has {len(found.text):,} characters. Whoever copies it opens it again."
            )
        if not self._found_once:
            self._found_once = True
            self.copy_plan.setFocus()
        QTimer.singleShot(0, self._as_high_as_its_words)

    def _as_high_as_its_words(self) -> None:
        wide = self.card.width()
        for words in self._wrapped:
            words.setFixedSize(wide, words.heightForWidth(wide))
        self._column.activate()
        self.setFixedSize(self._column.sizeHint())

    def _copy_text(self) -> None:
        assert self.shown is not None
        QGuiApplication.clipboard().setText("\n".join(self.shown.lines))
        self._did("Copied the verdict in two lines")

    def _copy_picture(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.card.picture())
        self._did("Copied the picture")

    def _copy_plan(self) -> None:
        assert self.shown is not None
        QGuiApplication.clipboard().setText("\n".join([*self.shown.lines, "", HOW_TO_OPEN, "", self.shown.text]))
        self._did("Copied the plan: it opens again where it is pasted")

    def _ask_save(self) -> None:
        name, _kind = QFileDialog.getSaveFileName(self, "Save the picture", "plan.png", "Pictures (*.png)")
        if name:
            self.save_to(Path(name) if Path(name).suffix else Path(name).with_suffix(".png"))

    def save_to(self, path: Path) -> None:
        """Write the picture off the GUI thread. A refusal is a problem `share.not_saved`."""
        image = self.card.picture().toImage()

        def write() -> None:
            if not image.save(str(path)):
                fact = f"The picture could not be written to {str(path)!r}."
                raise ProblemError(Problem("share.not_saved", fact, "Choose another folder."))

        background.run(write, lambda _done: self._did(f"Saved {path.name}"), self.problem.emit)

    def _did(self, what: str) -> None:
        self.about.setText(f"{what}.")
        self.acted.emit(what)


class Sharing(QObject):
    """Both ways for the window. `opened` after a pasted plan has become the open one."""

    acted = Signal(str)
    problem = Signal(object)
    opened = Signal()

    def __init__(self, document: Document, window: QWidget) -> None:
        super().__init__(window)
        self._document, self._window = document, window
        self._dialog: ShareDialog | None = None
        self._pasting = background.Task()

    @property
    def dialog(self) -> ShareDialog:
        """Made when it is first asked for, and once."""
        if self._dialog is None:
            self._dialog = ShareDialog(self._document, self._window)
            self._dialog.acted.connect(self.acted.emit)
            self._dialog.problem.connect(self.problem.emit)
        return self._dialog

    def ask(self) -> None:
        self.dialog.ask()

    def leave(self) -> None:
        self._pasting.cancel()
        if self._dialog is not None:
            self._dialog.leave()

    def paste(self) -> None:
        """Whatever the clipboard holds. Raises nothing: what is no plan becomes a problem."""
        text = QGuiApplication.clipboard().text()
        self._pasting = background.run(lambda: _read(text), self._open, self.problem.emit)

    def _open(self, found: share.Shared) -> None:
        self._document.change(found.plan)
        said = "Opened a shared plan; undo brings back yours"
        self.acted.emit(". ".join([said, *found.remarks]))
        self.opened.emit()


def _read(text: str) -> share.Shared:
    """Raises ProblemError: `share.…`, `plan.…`."""
    found = share.read(text)
    if len(found.plan.stages) > 1:
        fact = f"The shared plan has {len(found.plan.stages)} stages, and the window edits plans of one."
        raise ProblemError(Problem("share.stages", fact, "Ask for it as a file, which the command line plans."))
    return share.Shared(at_home(found.plan), found.remarks)
