"""One row of the result: a check, its state, and what it found in words and in figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

OK, FAILED, NOT_RUN = "ok", "failed", "not run"
NO_CARD = "no card"


@dataclass(frozen=True)
class Row:
    """name: of the check, with its group before a colon. figures: bytes, shares and lists, for whoever reads the file.
    commit: of the program that made it."""

    name: str
    state: str
    says: str
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    commit: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def not_run(name: str, why: str = NO_CARD) -> Row:
    return Row(name, NOT_RUN, f"not run: {why}")


def of(name: str, good: bool, says: str, seconds: float = 0.0, **figures: Any) -> Row:
    return Row(name, OK if good else FAILED, says, seconds, figures)


def error_pct(said: int, measured: int) -> float:
    """By how much what was said is off, in per cent of what was measured."""
    return round(100 * (said / measured - 1), 2) if measured else 0.0
