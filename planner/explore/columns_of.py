"""The columns of an exploration, from its leaves: figures for all plans at once, then one entry for each point of the grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.beside import band_of, read_by_band
from planner.calibration import apply
from planner.calibration.apply import Learned
from planner.draft import Draft
from planner.drafting import device_of
from planner.explore.explored import FITS, verdicts_of
from planner.explore.leaves import Leaf, Leaves
from planner.explore.peaks import Beside, Peaks, Rows, of_band, peaks
from planner.explore.shapes import Shapes
from planner.explore.space import Space
from planner.kept import CACHING, small_and_all
from planner.ledger import DEVICE, DISK, HOST, Place
from planner.plan import Plan
from planner.reserved import rests
from planner.timeline import EVALUATE
from planner.timing.rates import Rates, Work
from planner.timing.work import work_of

Table = NDArray[np.int64]


def columns_of(plan: Plan, space: Space, shapes: Shapes, leaves: Leaves, learned: Learned | None) -> dict[str, Any]:
    """Everything that `Explored` has a column for."""
    every, points = leaves.every, len(space.grid)
    if not every:
        whole = ("structure", "rank", "point", "micro_batch", "accumulation", "max_length", "low", "peak", "high",
                 "elsewhere", "trainable", "saved", "quality")  # fmt: skip
        none = {name: np.zeros(0, dtype=np.int64) for name in whole}
        return {**none, "seconds": np.zeros(0), "tokens_per_s": np.zeros(0)}
    found, live, evaluated = _peaks(plan, shapes, leaves, learned)
    heaviest = shapes.heaviest(live, evaluated)

    def chosen(table: Table) -> Table:
        return np.take_along_axis(table, np.broadcast_to(heaviest, (len(every), points)), axis=1).ravel()

    seconds, tokens = _seconds(plan, space, every)
    grid = np.array(space.grid, dtype=np.int64)

    def of_leaf(numbers: list[int]) -> Table:
        return np.repeat(np.array(numbers, dtype=np.int64), points)

    with np.errstate(divide="ignore", invalid="ignore"):
        tokens_per_s = tokens / seconds
    return {
        "structure": of_leaf([leaf.structure for leaf in every]),
        "rank": of_leaf([leaf.rank for leaf in every]),
        "point": np.tile(np.arange(points), len(every)),
        "micro_batch": np.tile(grid[:, 0], len(every)),
        "accumulation": np.tile(grid[:, 1], len(every)),
        "max_length": np.tile(grid[:, 2], len(every)),
        "low": chosen(found.low),
        "peak": chosen(found.expected),
        "high": chosen(found.high),
        "elsewhere": chosen(_elsewhere(plan, shapes, leaves, found.expected)),
        "seconds": seconds.ravel(),
        "tokens_per_s": tokens_per_s.ravel(),
        "trainable": of_leaf([leaf.trainable for leaf in every]),
        "saved": of_leaf([leaf.saved for leaf in every]),
        "quality": of_leaf([leaf.quality for leaf in every]),
    }


def _seconds(plan: Plan, space: Space, every: list[Leaf]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of one epoch, leaves × points, and its tokens by point."""
    schedule = plan.stage.schedule
    works = [
        work_of(plan.data, replace(schedule, micro_batch=rows, grad_accumulation=accumulation, max_length=length))
        for rows, accumulation, length in space.grid
    ]
    work = Work(*np.array(works, dtype=np.float64).T)
    unknown = (np.nan,) * len(Rates._fields)
    rates = Rates(*np.array([leaf.rates or unknown for leaf in every]).T[:, :, None])
    seconds = rates.seconds(work)
    return np.where(seconds == 0, np.nan, seconds), work.tokens


def _peaks(plan: Plan, shapes: Shapes, leaves: Leaves, learned: Learned | None) -> tuple[Peaks, Table, Table | None]:
    """Of the device that computes, leaves × shapes; live bytes at the fullest instant outside evaluations, and in them."""
    every, size = leaves.every, len(shapes)
    first = every[0].draft
    instants = len(first.timeline)

    def table(of: list[Table], rows: int) -> Table:
        out = np.empty((len(of), rows, size), dtype=np.int64)
        for i, one in enumerate(of):
            out[i] = one
        return out

    pairs = [small_and_all(leaf.draft.stacks) for leaf in every]
    steps = len(every[0].sums.working)
    caching = leaves.main is DEVICE and first.device in CACHING
    update = np.zeros((len(every), size), dtype=np.int64)
    for i, leaf in enumerate(every):
        update[i] = leaf.sums.update
    rows = Rows(
        totals=table([leaf.sums.by_place[leaves.main] for leaf in every], instants),
        states=table([leaf.sums.states for leaf in every], instants),
        working=table([leaf.sums.working for leaf in every], steps),
        logits=table([leaf.sums.logits for leaf in every], steps),
        update=update,
        small=np.array([[small] for small, _ in pairs], dtype=np.int64),
        trained=np.array([[trained] for _, trained in pairs], dtype=np.int64),
        rests=np.array([rests(leaf.draft.recompute) for leaf in every], dtype=np.int64),
    )
    context, per_thousand = _bands(plan, shapes, every, leaves.main, learned)
    beside = Beside(context, per_thousand, caching, learned)
    found = peaks(rows, first.timeline, beside, shapes.certain, card=leaves.main is DEVICE)
    between = np.array([at.phase == EVALUATE for at in first.timeline])
    if not between.any():
        return found, found.live, None
    return found, rows.totals[:, ~between].max(axis=1), rows.totals[:, between].max(axis=1)


def _elsewhere(plan: Plan, shapes: Shapes, leaves: Leaves, taken: Table) -> Table:
    """The verdict of all other places, leaves × shapes. taken: what the device needs, of RAM where it shares that."""
    machine, found = plan.machine, np.full((len(leaves.every), len(shapes)), FITS, dtype=np.int64)
    budgets: dict[Place, int | Table] = {DISK: machine.disk_free_bytes}
    if leaves.main is DEVICE:
        device = device_of(plan)
        shares = device is not None and device.shares_ram
        budgets[HOST] = np.maximum(0, machine.host_free_bytes - taken) if shares else machine.host_free_bytes
    for place, budget in budgets.items():
        live = np.zeros(found.shape, dtype=np.int64)
        for i, leaf in enumerate(leaves.every):
            table = leaf.sums.by_place.get(place)
            if table is not None:
                live[i] = table.max(axis=0)
        context, per_thousand = _bands(plan, shapes, leaves.every, place, None)
        low, _, high = of_band(live, context, per_thousand)
        found = np.maximum(found, verdicts_of(low, high, budget))
    return found


def _bands(
    plan: Plan, shapes: Shapes, every: list[Leaf], place: Place, learned: Learned | None
) -> tuple[tuple[Table, Table, Table], Table]:
    """Contexts, leaves × shapes, and what the allocator holds for each thousand bytes, leaves × 3."""
    known: dict[tuple[object, ...], int] = {}
    contexts: list[Table] = []
    shares: list[tuple[int, int, int]] = []
    numbers = []
    for leaf in every:
        key = read_by_band(leaf.draft)
        if key not in known:
            known[key] = len(contexts)
            context, share = _band(plan, shapes, leaf.draft, place, learned)
            contexts.append(context)
            shares.append(share)
        numbers.append(known[key])
    stacked = np.stack(contexts)[numbers]
    return (stacked[:, 0], stacked[:, 1], stacked[:, 2]), np.array(shares, dtype=np.int64)[numbers]


def _band(
    plan: Plan, shapes: Shapes, draft: Draft, place: Place, learned: Learned | None
) -> tuple[Table, tuple[int, int, int]]:
    """Low, expected and high context by shape, and the allocator's share."""
    of_different = {}
    for different in set(shapes.different.tolist()):
        band = band_of((draft,), different, place, plan.data.size_bytes)
        context = band.context_bytes
        if learned is not None:
            context = apply.context(learned.context, context, draft.device)
        of_different[different] = context
    table = np.array([of_different[n] for n in shapes.different.tolist()], dtype=np.int64).T
    return table, band.per_thousand
