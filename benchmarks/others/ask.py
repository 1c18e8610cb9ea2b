"""Puts questions to a tool in its own environment: JSON in, JSON out, one process for all rows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from planner.problem import fail

ANSWER_SECONDS = 600


class Question(NamedTuple):
    """One row for one tool. asked: what it is told, or None with the reason why it cannot be told."""

    id: str
    asked: dict[str, Any] | None
    cannot: str = ""


class Told(NamedTuple):
    """version: of the tool. answers: by row id, each with figures or with `refused`, the tool's own words."""

    version: str
    answers: dict[str, dict[str, Any]]


def ask(python: Path, side: Path, questions: Sequence[Question]) -> Told:
    """The tool's answers. Raises ProblemError when its environment is absent or it does not answer."""
    if not python.is_file():
        raise fail("others.absent", f"There is no {python}.", "Make it with: make other-estimators.")
    told = [{"id": q.id, **q.asked} for q in questions if q.asked is not None]
    done = subprocess.run(
        [python, "-I", side],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise fail("others.failed", f"{side.stem} ended with {done.returncode}: {last}", "See its own output.")
    found = json.loads(done.stdout)
    return Told(found["version"], {a["id"]: a for a in found["answers"]})
