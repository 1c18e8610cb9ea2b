"""What the Run page shows, folded from a run's journal event by event. Qt-free; knows neither files nor processes.

The journal is the truth: the same events give the same page, in a window that started the run and in one that found
it. Time runs without the gaps between sessions of a resumed run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from app.pages.run.pace import Pace
from app.shown import span_words
from app.widgets.decimate import Decimated
from planner.problem import Problem
from planner.run.events import (
    Checkpoint,
    Evaluation,
    Event,
    Failed,
    Finished,
    Memory,
    Note,
    Phase,
    Sample,
    Started,
    Step,
)
from planner.run.journal_look import Skipped
from planner.run.lock import State
from planner.run.said import said_of
from planner.run.spec import RunSpec
from planner.units import words

SMOOTHING = 0.9  # of the exponential mean; bias-corrected, so it starts at the first loss
MEAN_STEPS = 40  # after which a mean begun anew differs from one that saw all by a hundredth of what it forgot
PREFERRED = ("reserved", "process")  # the memory a prediction is compared with, as the worker chooses it


@dataclass
class Span:
    """A phase on the time axis, in seconds of the run."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Said:
    """The figures shown before the run, from its spec; zeros where nothing could be told."""

    low: int = 0
    expected: int = 0
    high: int = 0
    budget: int = 0
    tier: str = ""

    @classmethod
    def of(cls, spec: RunSpec | None, source: str = "") -> Said:
        """source: the counter that measures; what was said of the same counter."""
        figures: dict[str, Any] = dict(spec.predicted) if spec else {}
        budget = figures.get("budget_bytes")
        low, expected, high = said_of(figures, source)
        return cls(low, expected, high, budget if isinstance(budget, int) else 0, str(figures.get("tier", "")))


@dataclass
class RunRecord:
    """One run as known so far. `feed` takes events in order; `state` and `died` are set by whoever looks at the lock."""

    spec: RunSpec | None = None
    state: State = State.NEVER_STARTED
    died: Problem | None = None
    phase: str = ""
    step: int = 0
    total_steps: int = 0
    loss: float = math.nan
    smoothed: float = math.nan
    tokens_per_s: float = 0.0
    held_bytes: int = 0
    peak_bytes: int = 0
    changes: int = 0  # of its settings, in mid-run
    others_bytes: int = 0
    source: str = ""
    raw: Decimated = field(default_factory=Decimated)
    smooth: Decimated = field(default_factory=Decimated)
    memory: Decimated = field(default_factory=lambda: Decimated(900))
    others: Decimated = field(default_factory=lambda: Decimated(300))
    swapped: Decimated = field(default_factory=lambda: Decimated(300))
    swapped_bytes: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)  # warnings of the newest session
    finished: Finished | None = None
    failed: Failed | None = None
    began_at: float | None = None  # of the whole run
    started_at: float | None = None  # of its newest session
    device: str = ""
    seconds: float = 0.0  # of the run, gaps between sessions left out
    pace: Pace = field(default_factory=Pace)
    skipped: int = 0  # steps that were passed over when a long journal was opened
    told: tuple[str, ...] = ()  # of a run that looked after itself, when it is over
    gone: bool = False  # its folder is no longer where it was
    stalled: bool = False  # set by whoever has a clock
    _offset: float = 0.0
    _mean: float = 0.0
    _weight: float = 0.0
    _means: dict[int, tuple[float, float]] = field(default_factory=dict)
    _unsteady: int = 0  # steps until a mean begun anew is drawn again

    @property
    def said(self) -> Said:
        return Said.of(self.spec, self.source)

    def feed(self, event: Event | Skipped) -> None:
        """Take one event."""
        if isinstance(event, Skipped):
            self._skip(event)
            return
        if not isinstance(event, Started):
            self._tick(event.time)
        match event:
            case Started():
                self._started(event)
            case Phase():
                self._phase(event)
            case Step():
                self._step(event)
            case Evaluation():
                self.evaluations.append(event)
            case Memory():
                self._memory(event)
            case Sample():
                self.samples.append(event)
            case Checkpoint():
                self.checkpoints.append(event)
                self._means[event.step] = (self._mean, self._weight)
            case Note():
                if event.level != "info":
                    self.notes.append(event)
            case Finished():
                self.finished, self.failed = event, None
            case Failed():
                self.failed, self.finished = event, None

    def _started(self, event: Started) -> None:
        if event.resumed_from >= 0 or self.started_at is None:
            self._offset, self.started_at = self.seconds, event.time
        if self.began_at is None:
            self.began_at = event.time
        if event.changes != self.changes:  # a peak under other settings is not held against what is said of these
            self.changes, self.peak_bytes = event.changes, 0
        self.total_steps, self.device = event.total_steps, event.device
        self.pace.begin()
        self.notes.clear()
        self.finished = self.failed = None
        if event.resumed_from >= 0:
            self._go_back_to(event.resumed_from)

    def _go_back_to(self, step: int) -> None:
        """The steps after the checkpoint are run again and give the same losses; their points are taken away first."""
        self.step = step
        self.raw.cut_from(step + 0.5)
        self.smooth.cut_from(step + 0.5)
        self.evaluations = [e for e in self.evaluations if e.step <= step]
        self._mean, self._weight = self._means.get(step, (0.0, 0.0))
        self._unsteady = 0

    def _skip(self, event: Skipped) -> None:
        """Steps were passed over: a mean over what lies before them would be none of what comes."""
        self.skipped += event.steps
        self.pace.skip()
        self._mean, self._weight, self._unsteady = 0.0, 0.0, MEAN_STEPS

    def _tick(self, time: float) -> None:
        if self.started_at is None:  # the meter may speak before the worker says that it has started
            self.started_at = time
        self.seconds = max(self.seconds, self._offset + time - self.started_at)
        if self.spans:
            self.spans[-1].end = self.seconds

    def _phase(self, event: Phase) -> None:
        if self.phase != event.phase or not self.spans:
            self.spans.append(Span(event.phase, self.seconds, self.seconds))
        self.phase = event.phase

    def _step(self, event: Step) -> None:
        self.step, self.total_steps, self.loss = event.step, event.total_steps, event.loss
        self.tokens_per_s = event.tokens_per_s
        self.pace.take(event)
        if not math.isfinite(event.loss):
            return
        self._mean = SMOOTHING * self._mean + (1 - SMOOTHING) * event.loss
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        self.smoothed = self._mean / self._weight
        self.raw.append(event.step, event.loss)
        self._unsteady = max(0, self._unsteady - 1)
        if not self._unsteady:
            self.smooth.append(event.step, self.smoothed)

    def _memory(self, event: Memory) -> None:
        if event.source == "swapped":
            self.swapped_bytes = event.bytes
            self.swapped.append(self.seconds, event.bytes)
        if event.source not in PREFERRED:
            return
        if self.source and PREFERRED.index(event.source) > PREFERRED.index(self.source):
            return  # a device's own counter is followed once it is there
        if event.source != self.source:
            self.source = event.source
            self.memory, self.others, self.peak_bytes = Decimated(900), Decimated(300), 0
        self.held_bytes, self.others_bytes = event.bytes, event.others_bytes
        self.peak_bytes = max(self.peak_bytes, event.peak_bytes)
        self.memory.append(self.seconds, event.bytes)
        self.others.append(self.seconds, event.others_bytes)

    # words

    @property
    def live(self) -> bool:
        return self.state is State.RUNNING

    @property
    def paused(self) -> bool:
        return self.live and self.phase == "paused"

    def seconds_left(self) -> float | None:
        """From this session's own steps; None while it would be a guess."""
        return self.pace.seconds_for(self.total_steps - self.step) if self.total_steps else None

    def time_left_words(self) -> str:
        if not self.live or self.phase in ("paused",):
            return ""
        left = self.seconds_left()
        if left is None:
            return "estimating time left"
        return f"{duration(left)} left" if self.step < self.total_steps else "finishing"

    def state_words(self) -> str:
        """One or two words for the head and the status bar."""
        if self.state is State.RUNNING:
            return "paused" if self.paused else "running"
        if self.state is State.FINISHED and self.finished:
            return {"done": "finished", "stopped": "stopped, saved"}.get(self.finished.outcome, self.finished.outcome)
        return {
            State.LOST: "lost",
            State.FAILED: "failed",
            State.RELEASED: "released",
            State.NEVER_STARTED: "starting",
            State.QUEUED: "waiting its turn",
        }.get(self.state, str(self.state))

    def resumable(self) -> bool:
        """Whether a start would go on with this run."""
        word = self.finished
        over = word is not None and (word.outcome == "done" or (word.outcome == "stopped" and self._all_steps_made()))
        return not self.live and not self.gone and not over and self.state not in (State.NEVER_STARTED, State.QUEUED)

    def _all_steps_made(self) -> bool:
        return self.step >= self.total_steps

    def saved_words(self) -> str:
        if not self.checkpoints:
            return "no checkpoint yet"
        return f"saved at step {self.checkpoints[-1].step}"

    def best_evaluation(self) -> Evaluation | None:
        """The lowest loss on the rows held out; one that is no number is none."""
        return min((e for e in self.evaluations if math.isfinite(e.loss)), key=lambda e: e.loss, default=None)

    def remark(self) -> str:
        """What a person should look at while the run goes on; how it fared where it looked after itself."""
        if not self.live:
            return " ".join(self.told)
        if self.stalled:
            return "No step for much longer than a step usually takes. It may be waiting for the disk or for memory."
        return self.notes[-1].text if self.notes else ""

    def verdict_words(self) -> str:
        """The closing sentence, or how it stands so far."""
        if self.finished and self.finished.outcome != "released":
            return self.finished.sentence
        said = self.said.expected
        if not said:
            return ""
        if not self.step:  # the peak comes with the steps
            return f"We say {words(said)}."
        return f"So far: we said {words(said)}, it took {words(self.peak_bytes)}."

    def miss_words(self) -> str:
        """By how much the figure was missed, and whether it lay within what was said."""
        said, took = self.said, self._took()
        if not said.expected or not took or not self.step:
            return ""
        stopped = self.finished is not None and self.finished.outcome == "stopped"
        cut_short = stopped and self.step < self.total_steps and took < said.low
        if not self.finished or self.finished.outcome == "released" or cut_short:
            stated = span_words(said.low, said.high)
            if took > said.high:
                return f"Already above the stated {stated}."
            if cut_short:
                step = f"step {self.step:,} of {self.total_steps:,}"
                return f"Stopped at {step}; the longest batch may not have come. Stated: {stated}."
            return f"Highest so far; the longest batch may still come. Stated: {stated}."
        part = (took - said.expected) / said.expected
        inside = said.low <= took <= said.high
        where = "inside" if inside else "below" if took < said.low else "above"
        at = str(self.finished.measured.get("at", ""))
        miss = f"{abs(part):.1%} {'more' if part > 0 else 'less'} than expected".replace("%", " %")
        return f"{miss}, {where} the stated {span_words(said.low, said.high)}." + (f" Highest in {at}." if at else "")

    def _took(self) -> int:
        if self.finished and isinstance(self.finished.measured.get("peak_bytes"), int):
            return int(self.finished.measured["peak_bytes"])
        return self.peak_bytes

    @property
    def took_bytes(self) -> int:
        return self._took()

    @property
    def problem(self) -> Problem | None:
        """What ended this run, if a problem did."""
        return self.died or (self.failed.problem if self.failed else None)


def duration(seconds: float) -> str:
    """`40 s`, `14 min`, `2 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
