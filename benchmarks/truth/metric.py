"""From live bytes to the figure that a row reports: allocated, reserved or process, each with its interval.

allocated and active are live tensors; reserved adds what the allocator keeps of the card; process and device_used add
the context of the process. A figure whose tool is not named is read as one of them (`assets/interval.json` says which),
and its interval reaches to the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.truth import interval
from benchmarks.truth.answer import Answer, Predicted
from benchmarks.truth.interval import Part
from benchmarks.truth.row import Row
from planner.facts.gpus import capability_of
from planner.ledger import Kind
from planner.replay import Came, workspace_bytes
from planner.reserved import band, context_of, replay_misses
from planner.tier import Verdict

STATES = (Kind.WEIGHTS, Kind.ADAPTER, Kind.GRADIENTS, Kind.STATES)
OF_THE_CARD = ("process", "device_used")
UNNAMED = ("torch_unspecified", "unknown", "sum_unknown_over_gpus")


def reported(row: Row, peak: Mapping[Kind, int], readings: Mapping[str, int], came: Came | None = None) -> Answer:
    """peak: bytes by kind at the fullest instant; came: of the allocator's replay, where there is one."""
    capability = capability_of(row.gpu) if row.gpu else 0.0
    threads = {"train": 2, "infer": 1}.get(row.task, 0)
    workspaces = threads * workspace_bytes(capability)
    allocated = sum(peak.values()) + workspaces
    states = sum(peak.get(kind, 0) for kind in STATES)
    parts = [interval.states(row, states), *interval.activations(row, allocated - states - workspaces)]
    kept = _kept(row, allocated, came)
    context = Part("context", *_around(context_of(capability)))
    reserved, process = allocated + kept.bytes, allocated + kept.bytes + context.bytes
    metric = row.metric
    if metric in UNNAMED:
        metric = "process" if interval.unnamed(row.task) == "process" and metric == "unknown" else "allocated"
        others = process if row.metric == "unknown" else reserved
        below, above = (process - allocated, 0) if metric == "process" else (0, others - allocated)
        parts.append(Part("which counter", 0, below, above))
    figure = allocated
    if metric == "reserved":
        parts, figure = [*parts, kept], reserved
    elif metric in OF_THE_CARD:
        parts, figure = [*parts, kept, context], process
    low, high, causes = interval.ends(figure, parts)
    shown = {kind.value: size for kind, size in peak.items()}
    if workspaces:
        shown["workspaces of matmuls"] = workspaces
    return Predicted(
        low,
        figure,
        high,
        shown,
        _verdict(row, process, process + high - figure, came),
        expected_allocated=allocated,
        expected_reserved=reserved,
        expected_process=process,
        readings=readings,
        causes=causes,
    )


def _kept(row: Row, allocated: int, came: Came | None) -> Part:
    """What the allocator keeps beside live tensors: replayed, or as other runs had it."""
    recompute = row.checkpointing in ("full", "selective")
    if came is None:
        return Part("allocator", *_around(band("cuda", recompute).allocator(allocated)))
    below, above = replay_misses(recompute)
    kept = came.reserved_bytes - came.allocated_bytes
    reserved = allocated + kept
    return Part("allocator", kept, min(kept, reserved * below // 1000), reserved * above // 1000)


def _around(ends: tuple[int, int, int]) -> tuple[int, int, int]:
    low, expected, high = ends
    return expected, expected - low, high - expected


def _verdict(row: Row, process: int, high: int, came: Came | None) -> Verdict:
    if row.card_bytes is None:
        return Verdict.CANNOT_TELL
    if process > row.card_bytes:
        return Verdict.TIGHT if came is not None and came.fits else Verdict.DOES_NOT_FIT
    return Verdict.FITS if high <= row.card_bytes else Verdict.TIGHT
