"""From live bytes to the figure that a row reports: allocated, reserved or process, each with its interval.

allocated and active are live tensors; reserved adds what the allocator keeps of the card; process and device_used add
the context of the process. A figure whose tool is not named is read as one of them (`assets/interval.json` says which),
and its interval reaches to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.truth import interval
from benchmarks.truth.answer import Answer, Predicted
from benchmarks.truth.reserved_of import Held
from benchmarks.truth.row import Row
from planner.facts.gpus import capability_of
from planner.interval import Cause, around, ends
from planner.ledger import STATES, Kind
from planner.reserved import context_of
from planner.tier import Verdict
from planner.workspaces import workspace_bytes

OF_THE_CARD = ("process", "device_used")
UNNAMED = ("torch_unspecified", "unknown", "sum_unknown_over_gpus")


def reported(
    row: Row,
    peak: Mapping[Kind, int],
    readings: Mapping[str, int],
    held: Held,
    goes_with_flushes: Callable[[], bool] = lambda: False,
) -> Answer:
    """peak: bytes by kind at the fullest instant; held: by the allocator beside them. goes_with_flushes: whether the run
    would go on its card if the allocator gave back what it keeps; asked only where it would not fit otherwise."""
    capability = capability_of(row.gpu) if row.gpu else 0.0
    workspaces = workspace_bytes(capability) if row.task == "infer" else 0
    allocated = sum(peak.values()) + workspaces
    states = sum(peak.get(kind, 0) for kind in STATES)
    parts = [interval.states(row, states), *interval.activations(row, allocated - states - workspaces)]
    beside = context_of(capability)
    kept, context = around("allocator", held), around("context", beside)
    reserved = allocated + held.expected
    process = reserved + beside[1]
    metric = row.metric
    if metric in UNNAMED:
        metric = "process" if interval.unnamed(row.task) == "process" and metric == "unknown" else "allocated"
        others = process if row.metric == "unknown" else reserved
        below, above = (process - allocated, 0) if metric == "process" else (0, others - allocated)
        parts += [Cause("which counter", below, above), interval.unnamed_figure(allocated)]
    figure = allocated
    if metric == "reserved":
        parts, figure = [*parts, kept], reserved
    elif metric in OF_THE_CARD:
        parts, figure = [*parts, kept, context], process
    low, high = ends(figure, parts)
    shown = {kind.value: size for kind, size in peak.items()}
    if workspaces:
        shown["workspaces of matmuls"] = workspaces
    return Predicted(
        low,
        figure,
        high,
        shown,
        _verdict(row, process, process + high - figure, goes_with_flushes),
        expected_allocated=allocated,
        expected_reserved=reserved,
        expected_process=process,
        readings=readings,
        causes={x.name: x.below + x.above for x in parts if x.below + x.above},
    )


def _verdict(row: Row, process: int, high: int, goes_with_flushes: Callable[[], bool]) -> Verdict:
    if row.card_bytes is None:
        return Verdict.CANNOT_TELL
    if process > row.card_bytes:
        return Verdict.TIGHT if goes_with_flushes() else Verdict.DOES_NOT_FIT
    return Verdict.FITS if high <= row.card_bytes else Verdict.TIGHT
