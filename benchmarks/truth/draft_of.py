"""From a published row to the product's own draft, and from its ledger to the figure that the row reports.

Every formula is the planner's; this only says which of them a row asks for. A row's shapes are looked up by its model
key, and nothing else about a name is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial

from benchmarks.truth import (
    adapter_of,
    inference_of,
    load_of,
    loop_of,
    loss_of,
    metric,
    optimizer_of,
    reserved_of,
    sharding_of,
    weights_of,
)
from benchmarks.truth.answer import Answer, Refused
from benchmarks.truth.row import Row
from planner.draft import Draft
from planner.facts.data import BatchShape
from planner.facts.gpus import capability_of
from planner.facts.model.catalogue import find
from planner.facts.model.facts import ModelFacts
from planner.facts.model.families import stacks_of
from planner.ledger import DEVICE, At, Kind, Line
from planner.problem import ProblemError
from planner.schedule import Schedule
from planner.timeline import TRAINING, stretches
from planner.training.step_lines import fine_tune_lines
from planner.training.zeroth_order import zeroth_order_lines

TASKS = ("train", "infer", "load")


def predict(row: Row) -> Answer:
    """Low, expected and high bytes of the row's metric, or why there is no figure."""
    if row.task not in TASKS:
        return Refused(f"there is no closed form for the task {row.task!r}")
    if row.model_key is None or row.weights is None:
        return Refused("the row names no model whose shapes are known")
    try:
        facts = find(row.model_key)
        if not stacks_of(facts):
            return Refused(facts.unsupported_because or f"{facts.architecture} is not computed yet")
        timeline, lines = ledger(row, facts)
    except ProblemError as error:
        return Refused(error.problem.fact)
    draft = drafted(row, facts)
    held = reserved_of.held(row, draft, timeline, lines)
    further = weights_of.readings(draft.stacks) | readings(timeline, lines)
    goes_with_flushes = partial(reserved_of.goes_with_flushes, row, draft, lines)
    return metric.reported(row, peak(timeline, lines), further, held, goes_with_flushes)


def ledger(row: Row, facts: ModelFacts) -> tuple[tuple[At, ...], tuple[Line, ...]]:
    """The instants that the row's counter saw, and the lines alive at them."""
    draft = drafted(row, facts)
    if row.task == "infer":
        return inference_of.lines(row, draft)
    if row.task == "load":
        return load_of.lines(row, draft)
    if row.optimizer is not None and row.optimizer.name == "mezo":
        lines = zeroth_order_lines(draft, *loss_of.loss(row, draft))
    else:
        lines = (*fine_tune_lines(draft), *loss_of.lines(row, draft), *optimizer_of.lines(row, draft))
    lines = sharding_of.sharded(row, draft, lines)
    timeline = stretches(0).timeline
    seen = tuple(at for at in timeline if at.moment in TRAINING or (row.includes_load_peak and at.phase == "load"))
    return seen, lines


@lru_cache(maxsize=1024)
def drafted(row: Row, facts: ModelFacts) -> Draft:
    """The row's draft, as the techniques of a plan would have left it, without lines."""
    compute_bits, flow_bits, autocast = weights_of.compute(row)
    stacks = adapter_of.adapted(row, loop_of.written(row, weights_of.stacks(row, stacks_of(facts))))
    draft = Draft(
        facts,
        Schedule(micro_batch=row.micro_batch or 1, grad_accumulation=row.grad_accumulation or 1),
        BatchShape(row.micro_batch or 1, (row.seq_len or 1) + adapter_of.extra_tokens(row), bool(row.padded)),
        "cuda",
        0,
        stacks,
        compute_bits=compute_bits,
        flow_bits=flow_bits,
        autocast=autocast,
        float16=row.compute_dtype == "float16",
        capability=capability_of(row.gpu) if row.gpu else 0.0,
    )
    return loop_of.looped(row, draft)


def peak(timeline: Iterable[At], lines: Iterable[Line]) -> dict[Kind, int]:
    """Bytes by kind at the fullest instant on the device."""
    lines = tuple(lines)
    fullest: dict[Kind, int] = {}
    most = -1
    for at in timeline:
        by_kind = _at(lines, at)
        total = sum(by_kind.values())
        if total > most:
            fullest, most = by_kind, total
    return fullest


def readings(timeline: Iterable[At], lines: Iterable[Line]) -> dict[str, int]:
    """Further figures of the run by their published names, where the ledger has them."""
    timeline, lines = tuple(timeline), tuple(lines)
    found: dict[str, int] = {}
    groups = {
        "backward_bytes": ("loss", "layer_last", "layer_first", "backward_end"),  # the ledger's `loss` is both ways
        "optimizer_bytes": ("update",),
    }
    for name, moments in groups.items():
        totals = [sum(_at(lines, at).values()) for at in timeline if at.moment in moments]
        if totals:
            found[name] = max(totals)
    for name, kind in (("optimizer_state_bytes", Kind.STATES), ("gradient_bytes", Kind.GRADIENTS)):
        sizes = [_at(lines, at).get(kind, 0) for at in timeline if at.moment == "update"]
        if sizes:
            found[name] = max(sizes)
    return found


def _at(lines: Iterable[Line], at: At) -> dict[Kind, int]:
    by_kind: dict[Kind, int] = {}
    for line in lines:
        if at in line.alive and line.place is DEVICE:
            by_kind[line.kind] = by_kind.get(line.kind, 0) + int(line.bytes)
    return by_kind
