"""What stands beside the ledger of a plan's drafts, and what stays open of it: the table's figures and the allocator's.

`planner.reserved` has the table, `planner.kept` the card's allocator; here they are asked for a plan.
"""

from __future__ import annotations

from itertools import chain

from planner.draft import Draft
from planner.drafting import ANSWER_TOKENS
from planner.interval import Cause, activations_width, length_width, share, states_width
from planner.kept import CACHING, kept
from planner.ledger import DEVICE, DISK, HOST, STATES, At, Place
from planner.reserved import NOTHING, Band, band
from planner.techniques.attention_eager import attend as writes_scores
from planner.units import Num, maximum


def band_of(drafts: tuple[Draft, ...], shapes: int, place: Place, rows_bytes: int) -> Band:
    if place is DISK:
        return NOTHING
    kind = drafts[0].device
    if place is HOST and kind != "cpu":
        kind = "host"
    first = drafts[0]
    written = ANSWER_TOKENS if first.sample_tokens and first.attend is writes_scores else 0
    recompute, entries = any(d.recompute for d in drafts), first.facts.vocab_size
    return band(kind, recompute, first.compute_bits, shapes, first.capability, entries, written, rows_bytes)


def read_by_band(draft: Draft) -> tuple[object, ...]:
    """All of a draft of one plan that `band_of` reads and that techniques decide: equal for equal bands."""
    return draft.device, draft.recompute, draft.compute_bits, draft.attend, draft.sample_tokens


def kept_of(
    band: Band, drafts: tuple[Draft, ...], by_at: dict[At, Num], live: Num, place: Place
) -> tuple[Num, Num, Num]:
    """Low, expected and high bytes that the allocator holds beside live tensors."""
    if place is not DEVICE or drafts[0].device not in CACHING:
        return band.allocator(live)
    lines = chain.from_iterable([d.lines for d in drafts])
    return kept(by_at, lines, drafts[-1].stacks, any(d.recompute for d in drafts))


def grows_of(drafts: tuple[Draft, ...], by_at: dict[At, Num], place: Place) -> Num:
    """What grows with the batch of the live bytes at a place's fullest instant."""
    states: dict[At, Num] = {}
    for d in drafts:
        for _, kind, where, size, alive, _, _ in d.lines:
            if kind in STATES and where is place:
                for at in alive:
                    states[at] = states.get(at, 0) + size
    live: Num = 0
    grows: Num = 0
    for at in chain.from_iterable([d.timeline for d in drafts]):  # of equally full instants the first, as for the peak
        total = by_at.get(at, 0)
        grows = grows + (total - states.get(at, 0) - grows) * (total > live)
        live = maximum(live, total)
    return grows


def unseen_of(drafts: tuple[Draft, ...], shapes: int, rows_bytes: int) -> tuple[int, int, int]:
    """Low, expected and high bytes of what a proof does not meet. On a card none of it is the card's."""
    if drafts[0].device != "cpu":
        return 0, 0, 0
    silent = tuple([d._replace(sample_tokens=0) for d in drafts])
    whole, seen = band_of(drafts, shapes, HOST, rows_bytes), band_of(silent, 1, HOST, 0)
    low, expected, high = (a - b for a, b in zip(whole.context_bytes, seen.context_bytes, strict=True))
    return low, expected, high


def open_tensors(drafts: tuple[Draft, ...], at: At, live: int) -> tuple[Cause, ...]:
    """What is not known of the live tensors of a card at its peak: published runs differ by libraries and kernels."""
    held = [
        size
        for d in drafts
        for _, kind, place, size, alive, _, _ in d.lines
        if kind in STATES and place is DEVICE and at in alive
    ]
    states = sum(held)
    grows = live - states
    certain = all(d.batch.certain for d in drafts)
    return (
        share("exact states", states, states_width("exact")),
        share("activations", grows, activations_width("train")),
        share("data length", grows, length_width("exact" if certain else "cap_only")),
    )
