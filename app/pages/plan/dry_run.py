"""What the card of a dry run shows: words and rows made from one `DryRun` and the estimate it was asked for.

Qt-free. It compares, it explains nothing: reasons for a difference come with the result.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.pages.plan.edits import signed
from planner.estimate import Estimate, Tier, device_of
from planner.facts.gpus import Gpu, gpus
from planner.ledger import MOMENTS
from planner.run.build import main_tier
from planner.run.results import Difference, DryRun, LiveTensor
from planner.units import words

STALE = "of an earlier plan"
TENSOR_COLUMNS = ("What", "Together", "Count", "Each", "Shape", "Type", "Made", "Operation")
TRIFLE_BYTES = 4096  # scalars and rounding; fewer are counted and not listed
DIFFERENCE_COLUMNS = ("Phase", "Moment", "Part", "Formulas", "Dry run", "Difference", "Why")


@dataclass(frozen=True)
class Cell:
    """A table's cell: what is read, and what it is sorted by."""

    text: str
    order: float | str


@dataclass(frozen=True)
class DryRunView:
    """Everything the card shows. headline: also when it is folded. lines: one fact each, under the headline."""

    headline: str
    tone: str
    lines: tuple[str, ...]
    tensors: tuple[tuple[Cell, ...], ...]
    tensors_heading: str
    differences: tuple[tuple[Cell, ...], ...]
    differences_heading: str
    stale: bool

    def as_text(self) -> str:
        """The whole result for the clipboard, tables with tabs."""
        out = [self.headline, *self.lines]
        for heading, columns, rows in (
            (self.tensors_heading, TENSOR_COLUMNS, self.tensors),
            (self.differences_heading, DIFFERENCE_COLUMNS, self.differences),
        ):
            if rows:
                out += ["", heading, "\t".join(columns), *("\t".join(cell.text for cell in row) for row in rows)]
        return "\n".join(out)


def dry_run_view(result: DryRun, asked: Estimate, *, stale: bool) -> DryRunView:
    """asked: the estimate of the plan that was dry-run. stale: the open plan is another one by now."""
    mark = f" ({STALE})" if stale else ""
    if result.untraceable:
        headline = f"No dry run{mark}: {result.untraceable}"
        lines = ("The formulas stand for this plan; a proof would measure it.",)
        return DryRunView(headline, "warn", lines, (), "", (), "", stale)
    tier = main_tier(asked, asked.plan)
    differing = tuple(d for d in result.differences if abs(d.traced_bytes - d.formula_bytes) >= TRIFLE_BYTES)
    moments = {(m.phase, m.moment): m.bytes for m in result.moments}
    return DryRunView(
        headline=f"{words(result.live_bytes)} of live tensors at the peak{mark}",
        tone="muted" if stale else "text",
        lines=tuple(
            filter(None, (_where(result), _against(result, tier), *_allocator(result, tier, asked), *result.notes))
        ),
        tensors=tuple(_tensor(t) for t in sorted(result.tensors, key=lambda t: -t.bytes * t.count)),
        tensors_heading=f"Alive at the peak: {_counted(sum(t.count for t in result.tensors), 'tensor')}",
        differences=tuple(_difference(d, moments.get((d.phase, d.moment), 0)) for d in differing),
        differences_heading=_differences_heading(result, differing),
        stale=stale,
    )


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _where(result: DryRun) -> str:
    moment = MOMENTS.get(result.moment, result.moment)
    at = ", ".join(filter(None, (result.phase, moment, operation_words(result.operation))))
    steps = f"{_counted(result.steps, 'step')} of {result.rows:,} × {result.seq:,}"
    took = (
        f"{result.seconds:.1f} s and {words(result.memory_bytes)}" if result.memory_bytes else f"{result.seconds:.1f} s"
    )
    return f"Fullest in {at}. Traced {steps} in {took}, without weights."


def operation_words(name: str) -> str:
    """An operation without the words that all of them have: `aten.mm.default` is `mm`."""
    return name.removeprefix("aten::").removeprefix("aten.").removesuffix(".default").strip("_")


def _against(result: DryRun, tier: Tier | None) -> str:
    if tier is None or not tier.live_bytes:
        return ""
    formula, traced = int(tier.live_bytes), result.live_bytes
    share = abs(formula - traced) / max(1, traced) * 100
    how = "the same to the byte" if formula == traced else f"{share:.2f} % {'more' if formula > traced else 'less'}"
    if formula != traced and share < 0.005:
        how = f"{words(abs(formula - traced))} {'more' if formula > traced else 'less'}"
    return f"The dry run says {words(traced)}, the formulas {words(formula)}: {how}."


def _allocator(result: DryRun, tier: Tier | None, asked: Estimate) -> list[str]:
    """What a card's allocator makes of it; nothing for a CPU."""
    if not result.smallest_bytes:
        return []
    held = f"The allocator would hold {words(result.reserved_bytes)}"
    if result.expandable_bytes:
        held += f", {words(result.expandable_bytes)} with expandable segments"
    context = context_bytes(tier) if tier else 0
    whole = result.smallest_bytes + context
    least = f"It would still go, slower, in {words(result.smallest_bytes)}"
    if context:
        least += f" and {words(context)} of context: {words(whole)} free"
    device = device_of(asked.plan)
    kind = device.kind if device else ""
    card = min((g for g in gpus() if g.kind == kind and g.usable_bytes >= whole), key=_usable, default=None)
    if card is None:
        return [f"{held}.", f"{least}.", "No card of its kind in the catalogue has that much."]
    return [f"{held}.", f"{least}.", f"The smallest card with that: {card.name}, {words(card.usable_bytes)}."]


def _usable(card: Gpu) -> int:
    return card.usable_bytes


def context_bytes(tier: Tier) -> int:
    """What the process holds of the card beside its allocator, as expected."""
    return tier.reserved.expected - (tier.reserved_bytes - tier.live_bytes)


def _tensor(t: LiveTensor) -> tuple[Cell, ...]:
    shape = " × ".join(f"{n:,}" for n in t.shape) or "scalar"
    elements = 1.0
    for n in t.shape:
        elements *= n
    return (
        Cell(t.what, t.what),
        Cell(words(t.bytes * t.count), t.bytes * t.count),
        Cell(f"{t.count:,}", t.count),
        Cell(words(t.bytes), t.bytes),
        Cell(shape, elements),
        Cell(t.dtype.removeprefix("torch."), t.dtype),
        Cell(t.made, t.made),
        Cell(operation_words(t.operation) or "there before", t.operation),
    )


def _difference(d: Difference, moment_bytes: int) -> tuple[Cell, ...]:
    by = d.traced_bytes - d.formula_bytes
    unexplained = "less than 1 % of this moment" if abs(by) * 100 < moment_bytes else "not explained"
    moment = MOMENTS.get(d.moment, d.moment)
    return (
        Cell(d.phase, d.phase),
        Cell(moment, moment),
        Cell(d.what, d.what),
        Cell(words(d.formula_bytes), d.formula_bytes),
        Cell(words(d.traced_bytes), d.traced_bytes),
        Cell(signed(by), abs(by)),
        Cell(d.why or unexplained, d.why or unexplained),
    )


def _differences_heading(result: DryRun, differing: tuple[Difference, ...]) -> str:
    if not result.differences:
        return ""
    same = sum(d.formula_bytes == d.traced_bytes for d in result.differences)
    trifles = len(result.differences) - same - len(differing)
    less = f"; by less than {words(TRIFLE_BYTES)}: {trifles:,}" if trifles else ""
    if not differing:
        return f"Line by line, formulas and dry run agree ({same:,} the same{less})"
    return f"Where they differ: {_counted(len(differing), 'line')}{less}; the same: {same:,}"
