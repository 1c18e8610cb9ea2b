"""What the jobs beside training leave in their folder: a dry run's picture of the peak, and what a proof measured.

Plain records with JSON both ways, written by the worker and read by window and command line. They hold no advice and
no words for people but the names of things.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from planner import strict_json
from planner.atomic_file import write_atomically
from planner.problem import fail
from planner.run.transfer import Offer
from planner.strict_json import DamagedError

DRY_RUN = "dry_run.json"
PROOF = "proof.json"
FIRST_BATCH = "first_batch.json"


@dataclass(frozen=True)
class LiveTensor:
    """Tensors that were alive at the peak and are alike. bytes: of one; count: how many; what: the ledger's line.

    operation: the one that made it (torch's name), empty for what was there before. made: the stretch of the step, with
    the number of the block where it was made in one.
    """

    what: str
    operation: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    made: str
    count: int = 1


@dataclass(frozen=True)
class Difference:
    """One line of the ledger at one moment, by formula and as traced; why: what makes them differ, empty if nothing does."""

    phase: str
    moment: str
    what: str
    formula_bytes: int
    traced_bytes: int
    why: str = ""


@dataclass(frozen=True)
class MomentBytes:
    """The highest live bytes of one moment."""

    phase: str
    moment: str
    bytes: int


@dataclass(frozen=True)
class DryRun:
    """A plan's steps with tensors that have sizes and no contents.

    untraceable: why it could not be traced, by name of the method; then every figure is 0. live_bytes: of tensors at the
    fullest instant, which phase, moment and operation name. reserved_bytes: what the allocator model then holds of a card
    that never runs short; expandable_bytes: the same with expandable segments; smallest_bytes: the least a card's
    allocator must be given so that the same steps still go, found by bisection. The three are 0 for a CPU, and none of
    them has the context of the process. tensors: alive at the peak, largest first. differences: to the closed form, at
    every moment. seconds, memory_bytes: what the dry run itself took.
    """

    untraceable: str = ""
    device: str = ""
    steps: int = 0
    rows: int = 0
    seq: int = 0
    live_bytes: int = 0
    phase: str = ""
    moment: str = ""
    operation: str = ""
    reserved_bytes: int = 0
    expandable_bytes: int = 0
    smallest_bytes: int = 0
    moments: tuple[MomentBytes, ...] = ()
    tensors: tuple[LiveTensor, ...] = ()
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class BatchToken:
    """One place of a batch. in_loss: it counts in the loss. padding: it is there for the others' length only."""

    text: str
    id: int
    in_loss: bool
    padding: bool = False


@dataclass(frozen=True)
class BatchRow:
    """A row of the batch. number: of the row among the file's rows, from 1."""

    number: int
    tokens: tuple[BatchToken, ...]


@dataclass(frozen=True)
class FirstBatch:
    """The first micro-batch as the trainer collates it. length: the plan's, at which longer rows were cut.

    cut: numbers of the rows in it that lost their end. certain: every row of the file was prepared; otherwise only those
    that come first by the lengths that are known.
    """

    rows: tuple[BatchRow, ...]
    seq: int
    length: int
    cut: tuple[int, ...] = ()
    certain: bool = True


@dataclass(frozen=True)
class Proof:
    """Two real steps on the longest rows and one evaluation batch: the highest figures that were read, in bytes.

    device: its name. source: the counter that decides, `process` or `reserved`. peak_bytes: of that counter, in loading,
    the two steps and the evaluation where the plan has one; evaluation_bytes: of an evaluation batch alone, the longest
    that is held out, or the steps' own where none is, which no run has. process_bytes: of the device
    as the process holds it, 0 for a card whose driver does not tell; host_bytes: the process's anonymous memory.
    allocated_bytes and reserved_bytes are torch's own and 0 on a CPU. before_bytes: of host_bytes when the libraries were
    loaded and the model was not; after_bytes: of the counter that decides, when everything was freed. rows, seq: the
    batch. step_seconds: of the second step.
    """

    device: str
    source: str
    peak_bytes: int
    phase: str
    process_bytes: int
    allocated_bytes: int
    reserved_bytes: int
    host_bytes: int
    before_bytes: int
    after_bytes: int
    evaluation_bytes: int
    rows: int
    seq: int
    step_seconds: float
    seconds: float


T = TypeVar("T", DryRun, Proof, FirstBatch, Offer)


def save(result: DryRun | Proof | FirstBatch | Offer, path: Path) -> None:
    """Raises ProblemError `file.not_written`."""
    write_atomically(path, strict_json.render(strict_json.plain(result)))


def load(kind: type[T], path: Path) -> T:
    """Raises ProblemError `result.damaged`."""
    try:
        found: Any = strict_json.parse(path.read_text(encoding="utf-8"))
        return strict_json.record(kind, found, "result")  # type: ignore[no-any-return]
    except (OSError, ValueError, DamagedError) as error:
        raise fail("result.damaged", f"{str(path)!r} cannot be read: {error}.", "Run it again.") from None
