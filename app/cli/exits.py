"""What the exit codes mean; scripts rely on them."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from planner.estimate import Verdict
from planner.problem import Problem, ProblemError


class Exit(IntEnum):
    OK = 0  # fits, tight or done
    FAILED = 1
    WRONG_USE = 2
    DOES_NOT_FIT = 3
    CANNOT_TELL = 4


def of_verdict(verdict: Verdict) -> Exit:
    match verdict:
        case Verdict.FITS | Verdict.TIGHT:
            return Exit.OK
        case Verdict.DOES_NOT_FIT:
            return Exit.DOES_NOT_FIT
        case Verdict.CANNOT_TELL:
            return Exit.CANNOT_TELL


class WrongUseError(ProblemError):
    """What a person asked for cannot be understood or is not there; exit code 2, as for a mistyped option."""


def given_dir(text: str, option: str) -> Path:
    """A folder that was named. Raises WrongUseError `cli.no_folder` for an empty name, which would be anything."""
    if not text.strip():
        raise wrong_use("cli.no_folder", f"{option} names no folder.", f"Give one: {option} DIR.")
    return Path(text)


def wrong_use(code: str, fact: str, advice: str) -> WrongUseError:
    return WrongUseError(Problem(code, fact, advice))
