"""What the trust page shows of its rows: which pass the filters, in which order, how many each filter would leave, and
the sentence on top. Qt-free; chart and table read the same `shown`, so they cannot differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from app.pages.trust.rows import Origin, TrustRow
from planner.units import words

FEWEST_FOR_SHARES = 10  # "nine of ten" of fewer runs says less than the worst of them
BAND_PCT = 5.0
FACETS = ("technique", "source", "card", "counter", "origin")

COLUMNS: tuple[tuple[str, Callable[[TrustRow], Any]], ...] = (
    ("Run", lambda r: r.name.casefold()),
    ("Source", lambda r: r.source.casefold()),
    ("Technique", lambda r: ", ".join(r.techniques).casefold()),
    ("Counter", lambda r: r.short_counter),
    ("Said", lambda r: r.expected),
    ("Took", lambda r: r.measured),
    ("Miss %", lambda r: r.miss_pct),
    ("Miss", lambda r: r.miss_bytes),
)
BY_MISS = next(i for i, (name, _) in enumerate(COLUMNS) if name == "Miss %")


@dataclass(frozen=True)
class Filters:
    """What is asked of each facet; an empty word asks nothing."""

    technique: str = ""
    source: str = ""
    card: str = ""
    counter: str = ""
    origin: str = ""

    def passes(self, row: TrustRow, *, but: str = "") -> bool:
        """but: a facet that is not asked, to count what its values would leave."""
        return all(
            not (asked := getattr(self, facet)) or facet == but or asked in values_of(row, facet) for facet in FACETS
        )


def values_of(row: TrustRow, facet: str) -> tuple[str, ...]:
    match facet:
        case "technique":
            return row.techniques
        case "source":
            return (row.source,)
        case "card":
            return (row.card,)
        case "counter":
            return (row.counter_words,)
        case _:
            return (row.origin.value,)


@dataclass
class TrustState:
    """The page's rows and how they are looked at. selected: key of a row, kept while filters hide it."""

    published: tuple[TrustRow, ...] = ()
    own: tuple[TrustRow, ...] = ()
    filters: Filters = Filters()
    column: int = BY_MISS
    falling: bool = False
    selected: str = ""
    _shown: tuple[TrustRow, ...] | None = field(default=None, repr=False)

    @property
    def rows(self) -> tuple[TrustRow, ...]:
        return (*self.published, *self.own)

    @property
    def shown(self) -> tuple[TrustRow, ...]:
        """The rows that pass, in order; equal ones stay in the order in which they came."""
        if self._shown is None:
            passing = [r for r in self.rows if self.filters.passes(r)]
            self._shown = tuple(sorted(passing, key=COLUMNS[self.column][1], reverse=self.falling))
        return self._shown

    @property
    def selected_row(self) -> TrustRow | None:
        return self.row(self.selected)

    def row(self, key: str) -> TrustRow | None:
        return next((r for r in self.shown if r.key == key), None)

    def take(self, *, published: Sequence[TrustRow] | None = None, own: Sequence[TrustRow] | None = None) -> None:
        self.published = tuple(published) if published is not None else self.published
        self.own = tuple(own) if own is not None else self.own
        self._shown = None

    def ask(self, facet: str, value: str) -> None:
        self.filters = replace(self.filters, **{facet: value})
        self._shown = None

    def order(self, column: int, *, falling: bool) -> None:
        self.column, self.falling = column, falling
        self._shown = None

    def counts(self, facet: str) -> list[tuple[str, int]]:
        """(value, rows it would leave beside the other filters), most first; the value asked is always among them."""
        found = Counter(v for r in self.rows if self.filters.passes(r, but=facet) for v in values_of(r, facet))
        asked = getattr(self.filters, facet)
        if asked:
            found.setdefault(asked, 0)
        return sorted(found.items(), key=lambda x: (-x[1], x[0].casefold()))

    def passing_without(self, facet: str) -> int:
        """How many rows would be left if this facet asked nothing."""
        return sum(self.filters.passes(r, but=facet) for r in self.rows)

    def neighbour(self, step: int, along: Callable[[TrustRow], float]) -> str:
        """The key of the row `step` places further along an axis, counted from the selected one; the first else."""
        ordered = sorted(self.shown, key=along)
        if not ordered:
            return ""
        keys = [r.key for r in ordered]
        at = keys.index(self.selected) + step if self.selected in keys else 0
        return keys[max(0, min(len(keys) - 1, at))]

    def sentence(self) -> str:
        """`327 published runs: half within 0.4 %, nine of ten within 5.8 %; your 3 runs: worst −2.1 %.`"""
        by_origin = {origin: [r for r in self.shown if r.origin is origin] for origin in Origin}
        said = [
            _of_many(by_origin[Origin.PUBLISHED], "published run"),
            _of_few(by_origin[Origin.RUN], "run"),
            _of_few(by_origin[Origin.PROOF], "proof"),
        ]
        told = "; ".join(filter(None, said))
        return f"{told}." if told else "No run passes these filters." if self.rows else "Reading the measured runs …"


def _of_many(rows: list[TrustRow], noun: str) -> str:
    if not rows:
        return ""
    sizes = [abs(r.miss_pct) for r in rows]
    if len(rows) < FEWEST_FOR_SHARES:
        return f"{_count(len(rows), noun)}: worst {pct_words(_worst(rows).miss_pct)}"
    return (
        f"{_count(len(rows), noun)}: half within {median(sizes):.1f} %, "
        f"nine of ten within {percentile(sizes, 0.9):.1f} %"
    )


def _of_few(rows: list[TrustRow], noun: str) -> str:
    if len(rows) == 1:
        return f"your {noun}: {pct_words(rows[0].miss_pct)}"
    return f"your {_of_many(rows, noun)}" if rows else ""


def _worst(rows: Iterable[TrustRow]) -> TrustRow:
    return max(rows, key=lambda r: abs(r.miss_pct))


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def percentile(values: Sequence[float], share: float) -> float:
    """Linear between ranks, as the benchmark has it. values: at least one."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def pct_words(pct: float) -> str:
    """`−2.1 %`, `+0.4 %`."""
    shown = f"{abs(pct):.1f}"
    sign = "" if float(shown) == 0 else "−" if pct < 0 else "+"
    return f"{sign}{shown} %"


def bytes_words(n: int) -> str:
    """A difference in bytes with its sign."""
    return f"+{words(n)}" if n > 0 else words(n)


def miss_words(row: TrustRow) -> str:
    """`Said 0.2 % less than it took (−37 MiB), inside what was stated.`"""
    if not row.miss_bytes:
        return "Said exactly what it took."
    more = "more" if row.miss_bytes > 0 else "less"
    share = f"{abs(row.miss_pct):.1f}" if abs(row.miss_pct) >= 0.05 else "less than 0.1"
    said = f"Said {share} % {more} than it took ({bytes_words(row.miss_bytes)})"
    if not row.high:
        return f"{said}."
    where = "inside" if row.inside else "below" if row.measured < row.low else "above"
    return f"{said}; what it took is {where} the stated band."


def cells(row: TrustRow) -> tuple[str, ...]:
    """One line of the table, column by column."""
    return (
        row.name,
        row.source,
        ", ".join(row.techniques),
        row.short_counter,
        words(row.expected),
        words(row.measured),
        pct_words(row.miss_pct),
        bytes_words(row.miss_bytes),
    )
