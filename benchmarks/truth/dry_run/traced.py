"""One row dry-run: its live and reserved bytes, or why it cannot be traced. Sees the row and nothing of what was measured."""

from __future__ import annotations

from typing import NamedTuple

from backends.failure import first_line
from benchmarks.truth.answer import Refused
from benchmarks.truth.dry_run.loop import traced
from benchmarks.truth.dry_run.model_of import model_of
from benchmarks.truth.row import Row
from planner.allocator import Allocator
from planner.problem import ProblemError


class Traced(NamedTuple):
    """allocated, reserved: highest bytes, as torch's counters have them. trained: parameters. events: births and deaths."""

    allocated: int
    reserved: int
    trained: int
    events: int


def dry_run(row: Row) -> Traced | Refused:
    """A method that asks for contents, or whose libraries are missing, is refused by name."""
    try:
        model = model_of(row)
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        steps = traced(row, model)
    except ProblemError as error:
        return Refused(error.problem.fact)
    except Exception as error:  # PEFT's own classes may raise anything over tensors without contents
        return Refused(f"{row.trainable} is not traced: {type(error).__name__}: {first_line(error)}")
    came = Allocator().replay(steps.events)
    return Traced(came.allocated_bytes, came.reserved_bytes, trained, len(steps.events))
