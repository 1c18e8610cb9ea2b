"""Finds the torch half of a technique as text, so that a script can carry it along. It is read, never imported."""

from __future__ import annotations

from pathlib import Path

from planner.problem import fail

# beside this package, in a checkout as in an installed wheel
TECHNIQUES = Path(__file__).resolve().parents[2] / "backends" / "techniques"


def twin_text(name: str) -> str:
    """The source of `backends/techniques/<name>.py`. Raises ProblemError `export.part_missing`."""
    assert name.isidentifier(), name
    path = TECHNIQUES / f"{name}.py"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise fail(
            "export.part_missing",
            f"A file of this program could not be read: {path} ({error.strerror or error}).",
            "Install the program again.",
        ) from None
