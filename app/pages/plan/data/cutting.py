"""What a cut-off costs and saves: rows, tokens and bytes at any length, each length one more estimate of the plan. Qt-free.

Called off the GUI thread: batches of another length are drawn anew, which takes its time with many rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.pages.plan.choices import need_bytes
from planner.estimate import Estimate, estimate
from planner.facts.cut import Cut, cut
from planner.units import words

OFFERED = (64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 32768, 65536, 131072)
COLUMNS = ("Cut at", "Rows cut", "Tokens cut", "Left out", "Needs", "To now")
SHORTEST = 8
FINE = 256  # tokens of the longest row, up to which the line moves token by token
STEP = 8


@dataclass(frozen=True)
class Price:
    """A length with what it costs and what the plan then needs. need: None where that cannot be told."""

    cut: Cut
    need: int | None
    headline: str

    @property
    def length(self) -> int:
        return self.cut.length


@dataclass(frozen=True)
class Prices:
    """What the drawer shows of lengths: the plan's own, without any cut, and a choice of others."""

    now: Price
    uncut: Price
    offered: tuple[Price, ...]


def step_of(longest: int) -> int:
    """By how many tokens the line moves."""
    return 1 if longest <= FINE else STEP


def price(now: Estimate, length: int) -> Price:
    """The plan at this length."""
    schedule = replace(now.plan.stage.schedule, max_length=length)
    then = now if schedule == now.plan.stage.schedule else estimate(now.plan.with_schedule(schedule))
    return Price(cut(now.plan.data, schedule), need_bytes(then), then.reason.partition(". ")[0].rstrip(".") + ".")


def prices(now: Estimate) -> Prices | None:
    """All of them; None where the lengths of the rows are not known."""
    lengths = now.plan.data.lengths
    if not lengths:
        return None
    longest, own = max(lengths), now.plan.stage.schedule.max_length
    offered = sorted({n for n in OFFERED if n < longest} | {own, max(longest, SHORTEST)})
    known = {n: price(now, n) for n in offered}
    return Prices(known[own], known[max(longest, SHORTEST)], tuple(known[n] for n in offered))


def share_words(share: float) -> str:
    """`4.2 %`; a share that would round to nothing is said to be small, not none."""
    if share == 0:
        return "none"
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "under 0.1 %"


def cut_words(found: Cut) -> str:
    """`4.2 % of rows cut, 11.0 % of tokens`, or that nothing is."""
    if not found.rows_cut and not found.rows_dropped:
        return "no row is cut"
    told = f"{share_words(found.rows_share)} of rows cut, {share_words(found.tokens_share)} of tokens"
    if found.rows_dropped:
        rows = (
            "1 row loses its answer and is"
            if found.rows_dropped == 1
            else f"{found.rows_dropped:,} rows lose their answer and are"
        )
        told += f", {rows} left out"
    return told


def sentence(here: Price, other: Price) -> str:
    """`4.2 % of rows cut, 11.0 % of tokens; 1,024 instead of 2,048 saves 0.90 GiB.`"""
    told = cut_words(here.cut)
    if here.need is not None and other.need is not None and here.length != other.length:
        saved = other.need - here.need
        what = f"saves {words(saved)}" if saved > 0 else f"needs {words(-saved)} more" if saved < 0 else "needs as much"
        told += f"; {here.length:,} instead of {other.length:,} {what}"
    return f"{told[:1].upper()}{told[1:]}." + ("" if here.cut.certain else " Lengths are estimated from characters.")


def as_rows(found: Prices) -> list[tuple[str, ...]]:
    """The table twin of the chart."""
    out: list[tuple[str, ...]] = []
    for one in found.offered:
        what = f"{one.length:,}" + (" · now" if one.length == found.now.length else "")
        what += " · nothing cut" if one.length == found.uncut.length else ""
        need = words(one.need) if one.need is not None else "cannot tell"
        known = one.need is not None and found.now.need is not None
        gap = (one.need or 0) - (found.now.need or 0)
        difference = ("±0" if gap == 0 else words(gap) if gap < 0 else f"+{words(gap)}") if known else ""
        rows = f"{one.cut.rows_cut:,} ({share_words(one.cut.rows_share)})" if one.cut.rows_cut else "none"
        tokens = f"{one.cut.tokens_cut:,} ({share_words(one.cut.tokens_share)})" if one.cut.tokens_cut else "none"
        out.append((what, rows, tokens, f"{one.cut.rows_dropped:,}", need, difference))
    return out
