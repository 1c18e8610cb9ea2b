"""What a prediction of one row says: an interval with its parts, or a refusal with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from planner.tier import Verdict


@dataclass(frozen=True)
class Predicted:
    """Bytes of the row's own metric. Raises ValueError unless 0 <= low <= expected <= high.

    parts: bytes alive at the peak by what they are, for a person who asks why. causes: how wide the interval is, in
    bytes, by what makes it so. readings: further figures of the same run by the name that `more_metrics` or
    `phase_peaks` gives them (`optimizer_state_bytes`, `after_load_bytes`, `forward_bytes`, …).
    verdict: on the row's card; cannot_tell where the row names none.
    """

    low: int
    expected: int
    high: int
    parts: Mapping[str, int] = field(default_factory=dict)
    verdict: Verdict = Verdict.CANNOT_TELL
    expected_allocated: int | None = None
    expected_reserved: int | None = None
    expected_process: int | None = None
    readings: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.expected <= self.high:
            raise ValueError(f"not an interval: {self.low}, {self.expected}, {self.high}")

    def reading(self, name: str) -> int | None:
        """The figure called `name` in the published file, where the prediction has it."""
        own = {
            "allocated_bytes": self.expected_allocated,
            "reserved_bytes": self.expected_reserved,
            "process_bytes": self.expected_process,
        }
        return own[name] if own.get(name) is not None else self.readings.get(name)


@dataclass(frozen=True)
class Refused:
    """No figure, and why not: a sentence that names what is missing."""

    why: str


Answer: TypeAlias = Predicted | Refused
