"""The status bar: the last action at the left; device, what is free now and the run's state at the right, with details."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QLabel, QStatusBar, QVBoxLayout, QWidget

from app.pages.run.state import RunRecord
from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.surface import Elided
from planner.facts.machine import Device, MachineFacts
from planner.units import words


class Details(QFrame):
    """A small sheet above the status bar, closed by a click elsewhere or Esc."""

    def __init__(self, parent: QWidget, text: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(0.9), em(0.6), em(0.9), em(0.6))
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setAccessibleName("Details")
        layout.addWidget(label)


class StatusBar(QStatusBar):
    """Shows facts it is given; `device` is the one the plan computes on, on this computer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(0, 0, em(0.8), 0)
        self._here: MachineFacts | None = None
        self._device: Device | None = None
        self._record = RunRecord()
        self.action = Elided("", "muted", 0.92)
        self.action.setAccessibleName("Last action")
        self.action.setContentsMargins(em(0.6), 0, 0, 0)
        self.machine = QuietButton("")
        self.machine.setAccessibleName("Device and free memory")
        self.machine.setToolTip("What this computer has, and who holds the rest")
        self.machine.clicked.connect(lambda: self._open(self.machine, self.machine_words()))
        self.run = QuietButton("no run")
        self.run.setAccessibleName("State of the run")
        self.run.setToolTip("The run shown on the Run page")
        self.run.clicked.connect(lambda: self._open(self.run, self.run_words()))
        self.addWidget(self.action, 1)
        self.addPermanentWidget(self.machine)
        self.addPermanentWidget(self.run)

    def say(self, action: str) -> None:
        self.action.setText(action)

    def show_here(self, here: MachineFacts, device: Device | None) -> None:
        self._here, self._device = here, device
        if device is None:
            self.machine.setText(here.name)
        else:
            self.machine.setText(f"{device.name} · {words(device.free_bytes)} of {words(device.total_bytes)} free")
        self.machine.updateGeometry()

    def show_record(self, record: RunRecord) -> None:
        self._record = record
        share = f" · step {record.step:,} of {record.total_steps:,}" if record.live and record.total_steps else ""
        self.run.setText(f"{record.state_words()}{share}" if record.spec else "no run")
        self.run.updateGeometry()

    def machine_words(self) -> str:
        here = self._here
        if here is None:
            return "Looking at this computer …"
        lines = [f"{here.name} · {here.os}", f"{here.cpu}, {here.physical_cores} cores"]
        for device in here.devices:
            lines.append(f"{device.name}: {words(device.free_bytes)} of {words(device.total_bytes)} free")
            lines += [f"    {h.name} holds {words(h.bytes)}" for h in device.others[:8]]
        if here.swap_total_bytes:
            used = here.swap_total_bytes - here.swap_free_bytes
            lines.append(f"Swap: {words(used)} of {words(here.swap_total_bytes)} in use; it is no room to plan with")
        lines.append(f"Disk for runs: {words(here.disk_free_bytes)} free")
        return "\n".join([*lines, *here.notes])

    def run_words(self) -> str:
        record = self._record
        if record.spec is None:
            return "No run yet. Press Start on the Plan page."
        lines = [f"{record.spec.plan.model.name}: {record.state_words()}", f"Folder: {record.spec.run_dir}"]
        if record.peak_bytes:
            lines.append(f"Highest memory so far: {words(record.peak_bytes)}")
        return "\n".join([*lines, record.saved_words()])

    def _open(self, button: QWidget, text: str) -> None:
        sheet = Details(self, text)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        size = sheet.sizeHint()
        corner = button.mapToGlobal(QPoint(button.width() - size.width(), -size.height() - 4))
        sheet.move(corner)
        sheet.show()
