"""Errors as values a person can act on. A `Problem` never carries a traceback, a token or a machine's secret."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Problem:
    """`code` is stable (`model.not_found`), `fact` says what is so, `advice` says what to do about it."""

    code: str
    fact: str
    advice: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.fact} {self.advice} [{self.code}]"


class ProblemError(Exception):
    """Carries one `Problem` up to the edge (command line, window, worker) that shows it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def fail(code: str, fact: str, advice: str) -> ProblemError:
    """Build the exception: `raise fail("model.not_found", "No config.json in …", "Choose …")`."""
    return ProblemError(Problem(code, fact, advice))
