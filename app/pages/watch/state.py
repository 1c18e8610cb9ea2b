"""What is known of a process under watch: its memory over time beside what the open plan says. Qt-free, and shared with
the command line.

It is a run's record without a journal: the same figures, fed by readings from outside, so the same plot draws it. The
plan is the one that is open now; another plan changes what is said, not what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.pages.run.state import RunRecord, Said
from app.shown import span_words
from app.widgets.decimate import Decimated
from planner.estimate import Estimate
from planner.probe.process import Reading
from planner.run.build import main_tier
from planner.run.events import Started
from planner.run.lock import State
from planner.units import words

DEVICE, HOST = "device", "host"


def said_of_plan(estimate: Estimate | None) -> Said:
    """The open plan's figures for a whole process; zeros where it has none. It has no budget: what is free now is less
    what the watched process holds, which the plan does not know of."""
    tier = main_tier(estimate, estimate.plan) if estimate is not None else None
    if tier is None:
        return Said()
    return Said(int(tier.low_bytes), int(tier.peak_bytes), int(tier.high_bytes), 0, tier.place.tier)


@dataclass
class WatchRecord(RunRecord):
    """One process. figures: what the open plan says. tells_device: whether a driver says what it holds of cards.

    children: whether those it started are added up. processes: how many were, at the latest reading.
    """

    pid: int = 0
    name: str = ""
    command: str = ""
    figures: Said = field(default_factory=Said)
    tells_device: bool = False
    children: bool = False
    processes: int = 1
    device_bytes: int = 0
    host_bytes: int = 0
    _by_tier: dict[str, tuple[Decimated, int]] = field(default_factory=dict)

    @property
    def said(self) -> Said:
        """What is held against what is seen; nothing where the plan speaks of other memory."""
        return self.figures if self.comparable else Said()

    @property
    def tier(self) -> str:
        """Which memory is shown: that which the plan speaks of, if it can be seen."""
        return DEVICE if self.figures.tier == DEVICE and self.tells_device else HOST

    @property
    def comparable(self) -> bool:
        """Whether what is seen is what the plan speaks of."""
        return bool(self.figures.expected) and (self.figures.tier or HOST) == self.tier

    def begin(self, time: float) -> None:
        """The watch begins; the record is fed from here on."""
        self.state = State.RUNNING
        self.feed(Started(time, self.pid, -1, 0, {}, ""))

    def take_plan(self, said: Said) -> None:
        """Another plan is open, or the same one changed."""
        before = self.tier
        self.figures = said
        if self.tier != before:
            self._show_tier()

    def take(self, reading: Reading, time: float) -> None:
        """One reading."""
        if reading.device_bytes >= 0 and not self.tells_device:
            self.tells_device = True
            self._show_tier()
        self.processes = reading.processes
        self.host_bytes = reading.bytes
        if reading.device_bytes >= 0:  # a driver that is silent for once is no process that gave all back
            self.device_bytes = reading.device_bytes
        held = self.device_bytes if self.tier == DEVICE else self.host_bytes
        self._tick(time)
        self.held_bytes = held
        for tier, size in ((HOST, self.host_bytes), (DEVICE, self.device_bytes)):
            series, high = self._by_tier.setdefault(tier, (Decimated(900), 0))
            series.append(self.seconds, size)
            self._by_tier[tier] = series, max(high, size)
        self.memory, self.peak_bytes = self._by_tier[self.tier]

    def end(self) -> None:
        """The process is over; what was seen stays."""
        self.state = State.FINISHED

    def _show_tier(self) -> None:
        self.memory, self.peak_bytes = self._by_tier.get(self.tier, (Decimated(900), 0))
        self.held_bytes = self.device_bytes if self.tier == DEVICE else self.host_bytes

    # words

    def title(self) -> str:
        """`python 4711`."""
        return f"{self.name or 'process'} {self.pid}"

    def sentence(self) -> str:
        """`python 4711 holds 3.1 GiB of the 3.4 GiB that this plan says, highest 3.2 GiB.`"""
        if not self.seconds and not self.peak_bytes:
            return f"Looking at {self.title()} …"
        high = words(self.peak_bytes)
        said = f" of the {words(self.said.expected)} that this plan says" if self.comparable else self._of_what()
        if not self.live:
            return f"{self.title()} has ended; it held at most {high}{said}."
        return f"{self.title()} holds {words(self.held_bytes)}{said}, highest {high}."

    def _of_what(self) -> str:
        return " of the cards" if self.tier == DEVICE else " of RAM"

    def remark(self) -> str:
        """What a person should know beside the sentence."""
        said = self.figures
        if not said.expected:
            return "The open plan has no figures to hold it against."
        if not self.comparable:
            return (
                "The plan is for a card, and no driver here tells what a process holds of one: RAM is shown, and "
                "it is not what the plan speaks of."
            )
        if self.tier == DEVICE and not self.peak_bytes:
            return (
                "The driver knows of nothing that this process holds of a card. Either it holds nothing yet, or the driver "
                "knows it by another number, as inside a container."
            )
        stated = f"Stated: {span_words(said.low, said.high)}."
        with_children = f" {self.processes} processes are added up." if self.processes > 1 else ""
        if self.peak_bytes > said.high:
            return f"Already above the stated {span_words(said.low, said.high)}.{with_children}"
        return f"{stated} What it has not reached yet may still come.{with_children}" if self.live else stated


def forgotten(record: WatchRecord) -> WatchRecord:
    """A fresh record of the same plan, for the next process."""
    return replace(WatchRecord(), figures=record.figures, children=record.children)
