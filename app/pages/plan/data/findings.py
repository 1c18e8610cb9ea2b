"""What is wrong with the rows, in one list with row numbers: faults, duplicates, held-out rows that are trained on. Qt-free."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from planner.facts.checks import TOLD, Checks
from planner.problem import Problem

FAULT, DUPLICATE, LEAK = "Cannot be used", "Same row twice", "Held out and trained on"
_NUMBERED = re.compile(r"\b(?:Line|Row|Piece) ([\d,]+)")


@dataclass(frozen=True)
class Finding:
    """One line of the list. row: its number in the file, 0 where it has none. other: of the row it equals."""

    kind: str
    row: int
    words: str
    other: int = 0


def fault_of_row(problem: Problem) -> Finding:
    """A fault with the number that its sentence names."""
    found = _NUMBERED.search(problem.fact)
    number = int(found[1].replace(",", "")) if found else 0
    told = problem.fact.split(": ", 1)[-1] if found else problem.fact
    return Finding(FAULT, number, f"{told[:1].upper()}{told[1:]}")


def findings(faults: Sequence[Problem], checks: Checks | None) -> tuple[Finding, ...]:
    """Faults first, then what was found by checking the whole file."""
    out = [fault_of_row(problem) for problem in faults]
    if checks is not None:
        out += [
            Finding(LEAK, held, f"held out, and the same as row {of:,} that is trained on", of)
            for held, of in checks.leaked
        ]
        out += [Finding(DUPLICATE, row, f"the same as row {of:,}", of) for row, of in checks.duplicates]
    return tuple(out)


def summary(checks: Checks, *, held_out: int) -> tuple[str, ...]:
    """What a check of the whole file found, each in a sentence; what was found not to be so is said too."""
    out = [f"{checks.rows:,} rows checked."]
    out.append(
        f"{_rows(checks.n_duplicates)} the same as an earlier one."
        if checks.n_duplicates
        else "No row stands there twice."
    )
    if not held_out:
        out.append("No rows are held out for evaluation, so none can be trained on by mistake.")
    elif checks.n_leaked:
        out.append(f"{_rows(checks.n_leaked)} held out for evaluation and trained on too: that loss says too little.")
    else:
        out.append(f"None of the {held_out:,} rows held out is trained on.")
    if checks.n_contradicting:
        one = checks.n_contradicting == 1
        out.append(f"{checks.n_contradicting:,} {'question has' if one else 'questions have'} more than one answer.")
    if checks.n_empty_answers:
        one = checks.n_empty_answers == 1
        out.append(f"{checks.n_empty_answers:,} {'row answers' if one else 'rows answer'} with blanks only.")
    if max(checks.n_duplicates, checks.n_leaked) > TOLD:
        out.append(f"The first {TOLD:,} of each are listed.")
    return tuple(out)


def _rows(n: int) -> str:
    return "1 row is" if n == 1 else f"{n:,} rows are"
