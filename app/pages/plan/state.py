"""What the Plan page shows: one value made from one `Estimate`, so that no two figures can disagree or be stale.

Qt-free. `view` is called for every change of the plan and of the chosen instant; widgets only paint what it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.shown import CONTEXT, RESERVED, Bar, Bins, Moment, Part, Row, span_words
from planner.estimate import Estimate, Tier, Verdict, device_of, estimate
from planner.evidence import of_plan
from planner.facts.counts import counts
from planner.facts.cut import Cut, cut
from planner.facts.data import DataFacts, longest_batch
from planner.facts.model.facts import ModelFacts
from planner.interval import causes_in_words
from planner.ledger import MOMENTS, At
from planner.plan import Plan
from planner.plan_set import ADAPTER_NOTE
from planner.units import words

TONES = {
    Verdict.FITS: "good",
    Verdict.TIGHT: "warn",
    Verdict.DOES_NOT_FIT: "bad",
    Verdict.CANNOT_TELL: "warn",
}
SHORT = {
    "weights": "weights",
    "generate": "answer",
    "generate_later": "answer",
    "forward_end": "forward",
    "loss": "loss",
    "layer_last": "layer N",
    "layer_first": "layer 1",
    "backward_end": "grads",
    "update": "update",
    "write": "write",
    "read": "read",
}
"""Words short enough to stand under a bar; the tool tip and the table say `ledger.MOMENTS`."""


@dataclass(frozen=True)
class PlanView:
    """Everything the right side of the page shows."""

    headline: str
    tone: str
    expected: str
    because: str
    evidence: str
    bars: tuple[Bar, ...]
    moments: tuple[Moment, ...]
    moments_sentence: str
    chosen: At | None
    rows: tuple[Row, ...]
    rows_heading: str
    start_text: str
    fits: bool


def view(result: Estimate, chosen: At | None = None) -> PlanView:
    """The page's words and figures. chosen: the instant whose ledger is shown; None or a past one means the peak."""
    headline, _, because = result.reason.partition(". ")
    main = result.tiers[0] if result.tiers else None
    at = chosen if main and chosen in result.timeline else (main.peak_at if main else None)
    fits = result.verdict in (Verdict.FITS, Verdict.TIGHT)
    return PlanView(
        headline=headline.rstrip(".") + ".",
        tone=TONES[result.verdict],
        expected=expected_words(main) if main else "",
        because=because,
        evidence=_evidence(result),
        bars=tuple(bar(result, tier) for tier in result.tiers if tier.live_bytes or tier is main),
        moments=moments(main) if main else (),
        moments_sentence=_peak_sentence(main) if main else "",
        chosen=at,
        rows=rows(result, main, at) if main and at else (),
        rows_heading=_rows_heading(main, at) if main and at else "",
        start_text="Start" if fits else "Start anyway",
        fits=fits,
    )


def _evidence(result: Estimate) -> str:
    """How far predictions of like plans have missed measured runs; empty where nothing like it was measured."""
    if not result.tiers:
        return ""
    found = of_plan(result.plan)
    told = str(found) if found else "No run like this one has been measured yet."
    return f"{told} {causes_in_words(result.tiers[0].reserved.causes)}".rstrip()


def expected_words(tier: Tier) -> str:
    """`expected 14.60 GiB  (14.02 – 15.61 GiB)`."""
    return f"expected {words(tier.peak_bytes)}  ({span_words(tier.low_bytes, tier.high_bytes)})"


def bar(result: Estimate, tier: Tier) -> Bar:
    """A tier's bar at its peak. Other programs are what is taken of the capacity now, named as far as they are known."""
    others = max(0, tier.capacity_bytes - tier.budget_bytes)
    lines = result.at(tier.place, tier.peak_at) if tier.peak_at else ()
    parts = [Part(i, line.what, line.kind, int(line.bytes)) for i, line in enumerate(lines) if line.bytes]
    parts += [Part(key, what[0].lower() + what[1:], None, size) for key, what, size in _beside(tier)]
    sentence = (
        f"{tier.name}: this run needs {words(tier.peak_bytes)} at its peak, between {words(tier.low_bytes)} and "
        f"{words(tier.high_bytes)}; {words(tier.budget_bytes)} of {words(tier.capacity_bytes)} are free for it. "
        f"Allocated {words(tier.allocated_bytes)}, reserved {words(tier.reserved_bytes)}, "
        f"process {words(tier.process_bytes)}."
    )
    if tier.swap_bytes and tier.low_bytes > tier.budget_bytes:
        sentence += f" {words(tier.swap_bytes)} of swap are free beside it, which is no room: going on there is no fit."
    return Bar(
        place=tier.place,
        name=_tier_name(tier),
        capacity_bytes=tier.capacity_bytes,
        others_bytes=others,
        others=tuple((h.name, h.bytes) for h in tier.others),
        parts=tuple(parts),
        load_line_bytes=others + tier.budget_bytes,
        low_bytes=others + tier.low_bytes,
        expected_bytes=others + tier.peak_bytes,
        high_bytes=others + tier.high_bytes,
        sentence=sentence,
    )


def _beside(tier: Tier) -> list[tuple[int, str, int]]:
    """What stands beside the ledger, by its two causes: (key, words, expected bytes). Without what is nothing."""
    allocator = tier.reserved_bytes - tier.allocated_bytes
    both = (
        (RESERVED, "Kept by the allocator", allocator),
        (CONTEXT, "Runtime and context", tier.reserved.expected - allocator),
    )
    return [one for one in both if one[2] > 0]


def _tier_name(tier: Tier) -> str:
    return {"device": "GPU", "host": "RAM", "disk": "Disk"}.get(tier.place.tier, tier.name)


def moments(tier: Tier) -> tuple[Moment, ...]:
    """The timeline of the computing device, without what stands beside the ledger."""
    return tuple(
        Moment(at, SHORT.get(at.moment, at.moment.replace("_", " ")), at.phase, size, at == tier.peak_at)
        for at, size in tier.totals
    )


def rows(result: Estimate, tier: Tier, at: At) -> tuple[Row, ...]:
    """The ledger at one instant, largest first, and what stands beside it at the end."""
    lines = [line for line in result.at(tier.place, at) if line.bytes]
    beside = _beside(tier)
    whole = sum(int(line.bytes) for line in lines) + sum(size for _, _, size in beside) or 1
    out = [
        Row(i, line.what, line.kind, int(line.bytes), int(line.bytes) / whole, str(line.why))
        for i, line in enumerate(lines)
    ]
    out += [Row(key, what, None, size, size / whole, tier.reserved.why) for key, what, size in beside]
    return tuple(out)


def _rows_heading(tier: Tier, at: At) -> str:
    where = "at the peak" if at == tier.peak_at else "at"
    return f"{where}: {at.phase}, {MOMENTS.get(at.moment, at.moment)}"


def _peak_sentence(tier: Tier) -> str:
    if tier.peak_at is None:
        return "Nothing is needed there."
    at = tier.peak_at
    return (
        f"Live tensors by moment. The peak is {words(tier.live_bytes)} in {at.phase}, "
        f"{MOMENTS.get(at.moment, at.moment)}."
    )


def model_sentence(model: ModelFacts) -> str:
    """What a plan with a model whose weights are not here can be used for; of an adapter, what is taken of it."""
    _, like, adapter = model.provenance.partition(ADAPTER_NOTE)
    if like:
        return f"{like}{adapter}{'' if model.path else ' · the model is known by its shape: download it to run'}"
    if model.path:
        return ""
    if model.gguf:
        return "a GGUF file · Start turns it into a folder that can be trained, once"
    if model.source == "embedded":
        return "not on this computer yet · Start offers to fetch it"
    known = "from the catalogue, known by its shape" if model.source == "catalogue" else "known by its shape alone"
    return f"{known}: plan and compare; to run it, choose a folder with its weights"


def data_sentence(plan: Plan) -> str:
    """`longest batch 4 × 318 tokens · no row cut`, with a word where lengths are not counted."""
    data, length = plan.data, plan.stage.schedule.max_length
    if not data.lengths:
        return f"{data.rows:,} rows · lengths not known yet: planned with {length:,} tokens"
    shape = longest_batch(data, plan.stage.schedule)
    lost = _cut_at(data, length)
    cut_words = f"{lost.rows_cut:,} rows cut ({lost.tokens_share:.1%} of tokens)" if lost.rows_cut else "no row cut"
    how = "" if data.lengths_from == "counted" else " · lengths estimated from characters"
    how += " · columns guessed" if data.mapping.guessed else ""
    return f"longest batch {int(shape.rows)} × {int(shape.seq):,} tokens · {cut_words}{how}"


def data_bins(plan: Plan, count: int = 36) -> Bins | None:
    """The histogram of row lengths, None when they are not known."""
    if not plan.data.lengths:
        return None
    in_bins, longest = _counts(plan.data, count)
    sentence = f"{plan.data.rows:,} rows, the longest {longest:,} tokens; {data_sentence(plan)}."
    return Bins(in_bins, longest, plan.stage.schedule.max_length, sentence)


@lru_cache(maxsize=8)
def _counts(data: DataFacts, count: int) -> tuple[tuple[int, ...], int]:
    """Rows in each stretch of length, and the longest: once for each data set."""
    rows = counts(data).lengths
    longest = max(rows)
    out = [0] * count
    for n, times in rows.items():
        out[min(count - 1, n * count // (longest + 1))] += times
    return tuple(out), longest


@lru_cache(maxsize=64)
def _cut_at(data: DataFacts, length: int) -> Cut:
    return cut(data, length)


def read_ahead(plan: Plan) -> None:
    """Everything of the page that goes over all rows, called where they were read, off the GUI thread: what the page asks for
    afterwards is known."""
    estimate(plan)
    data_sentence(plan)
    data_bins(plan)


def machine_sentence(plan: Plan, *, here: bool) -> str:
    """`21.9 GiB free now · firefox 0.90 GiB, desktop 0.60 GiB`, or what is assumed of another machine."""
    device = device_of(plan)
    if device is None:
        return "no such device"
    if not here:
        return plan.machine.notes[0] if plan.machine.notes else "another computer"
    holders = sorted(device.others, key=lambda h: -h.bytes)[:3]
    named = ", ".join(f"{h.name} {words(h.bytes)}" for h in holders)
    return f"{words(device.free_bytes)} free now" + (f" · held by {named}" if named else "")


def title(plan: Plan, *, here: bool) -> str:
    """`Llama-3.1-8B on the RTX 4090`."""
    device = device_of(plan)
    name = plan.model.name.rsplit("/", 1)[-1]
    if device is None or (here and device.kind == "cpu"):
        return f"{name} on this computer" if here else f"{name} on {plan.machine.name}"
    return f"{name} on the {device.name}" if here else f"{name} on {plan.machine.name}"
