"""The top of the Run page: which run, how far, how fast, how long, and the buttons that speak to it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.run.state import RunRecord
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.progress_strip import Progress
from app.widgets.surface import Card, Elided, Words, over
from planner.units import words

PHASES = {
    "start": "starting",
    "check": "looking at model and data",
    "load": "loading the model",
    "data": "preparing the data",
    "sample": "writing a sample answer",
    "train": "training",
    "evaluate": "evaluating on the rows held out",
    "save": "saving",
}


class RunHead(QWidget):
    """`wish` carries an inbox verb; the others ask the window."""

    wish = Signal(str)
    stop_wanted = Signal()
    resume_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.7))
        top = QHBoxLayout()
        top.setSpacing(em(0.6))
        self.title = Elided("", "text", 1.5, bold=True)
        self.title.setAccessibleName("Run title")
        self.subtitle = Elided("", "muted", 0.92)
        self.subtitle.setAccessibleName("Run state")
        top.addLayout(over(self.title, self.subtitle), 1)
        self.folder = self._button(top, "Open fol&der", "Open the run's folder")
        self.folder.clicked.connect(self.folder_wanted.emit)
        self.sample = self._button(top, "Take a s&ample", "Let the model answer the sample question now")
        self.sample.clicked.connect(lambda: self.wish.emit("sample"))
        self.checkpoint = self._button(top, "&Checkpoint", "Save a checkpoint at the end of this step")
        self.checkpoint.clicked.connect(lambda: self.wish.emit("checkpoint"))
        self.release = self._button(top, "Re&lease memory", "Save and end the worker; resume goes on from there")
        self.release.clicked.connect(lambda: self.wish.emit("release"))
        self.pause = self._button(top, "&Pause", "Hold the run between two steps; it keeps its memory (Ctrl+P)")
        self.pause.clicked.connect(self._pause)
        self.stop = self._button(top, "St&op…", "End the run and save what it has learned")
        self.stop.clicked.connect(self.stop_wanted.emit)
        self.resume = self._button(top, "Res&ume", "Go on from the last checkpoint", primary=True)
        self.resume.clicked.connect(self.resume_wanted.emit)
        layout.addLayout(top)
        layout.addWidget(self._progress_card())
        self._paused = False

    @staticmethod
    def _button(row: QHBoxLayout, text: str, tip: str, *, primary: bool = False) -> Button:
        button = Button(text, primary=primary)
        button.setAccessibleName(text.replace("&", ""))
        button.setAccessibleDescription(tip)
        button.setToolTip(tip)
        row.addWidget(button)
        return button

    def _progress_card(self) -> Card:
        card = Card()
        row = QHBoxLayout()
        row.setSpacing(em(1.4))
        left = QVBoxLayout()
        left.setSpacing(em(0.1))
        self.steps = Words("", "text", 1.25, bold=True)
        self.steps.setAccessibleName("Steps")
        self.speed = Words("", "muted")
        self.speed.setAccessibleName("Speed and time left")
        left.addWidget(self.steps)
        left.addWidget(self.speed)
        row.addLayout(left)
        middle = QVBoxLayout()
        self.bar = Progress()
        self.phase = Elided("", "muted", 0.92)
        self.phase.setAccessibleName("Phase")
        middle.addStretch(1)
        middle.addWidget(self.bar)
        middle.addWidget(self.phase)
        middle.addStretch(1)
        row.addLayout(middle, 1)
        self.percent = Words("", "text", 1.1, fixed=True)
        row.addWidget(self.percent)
        card.body.addLayout(row)
        return card

    def _pause(self) -> None:
        self.wish.emit("resume" if self._paused else "pause")

    def show_record(self, record: RunRecord, name: str, when: str) -> None:
        self._paused = record.paused
        self.title.setText(name)
        survives = " · survives this window" if record.live else ""
        self.subtitle.setText(f"run of {when} · {record.state_words()}{survives}" if when else record.state_words())
        total = record.total_steps
        self.steps.setText(f"Step {record.step:,} of {total:,}" if total else "Getting ready")
        parts = [
            f"{record.tokens_per_s:,.0f} tokens/s" if record.tokens_per_s and record.live else "",
            record.time_left_words(),
            record.saved_words() if total else "",
        ]
        self.speed.setText(" · ".join(filter(None, parts)))
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(record.step)
        self.percent.setText(f"{record.step / total * 100:.0f} %" if total else "")
        self.phase.setText(self._phase_words(record))
        self._show_buttons(record)

    def _phase_words(self, record: RunRecord) -> str:
        if record.paused:
            return f"paused · it keeps {words(record.held_bytes)} · Release gives that back"
        if record.live:
            return PHASES.get(record.phase, record.phase)
        return record.problem.fact if record.problem else record.state_words()

    def _show_buttons(self, record: RunRecord) -> None:
        live, paused = record.live, record.paused
        training = live and record.phase in ("train", "paused", "save")
        self.pause.setText("Res&ume" if paused else "&Pause")
        self.pause.setAccessibleName("Resume" if paused else "Pause")
        self.pause.setVisible(live)
        self.pause.setEnabled(training)
        self.release.setVisible(paused)
        self.release.setText(f"Re&lease {words(record.held_bytes)}" if paused else "Re&lease memory")
        self.sample.setVisible(live)
        self.sample.setEnabled(training)
        self.checkpoint.setVisible(live)
        self.checkpoint.setEnabled(training and not paused)
        self.stop.setVisible(live)
        self.stop.setEnabled(live and record.phase not in ("", "start"))  # a worker that starts empties its inbox first
        self.resume.setVisible(record.resumable())
        self.resume.setText("Res&ume" if record.checkpoints or record.step else "&Start again")
        self.resume.setAccessibleName("Resume run")
        for button in (self.pause, self.release, self.resume):
            button.updateGeometry()
