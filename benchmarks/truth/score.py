"""From predictions and measurements to the figures that the benchmark states. Pure arithmetic over one list.

Errors are (predicted - measured) / measured in per cent. A percentile between two ranks is interpolated linearly. Shares
(under-predicted, covered, cannot tell) are of the rows that were predicted; a refusal is counted apart, never as exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.truth.answer import Answer, Predicted
from benchmarks.truth.rows import Published
from planner.tier import Verdict

UNDER_PCT = 5.0  # a prediction further below than this is what runs out of memory


class Answered(NamedTuple):
    published: Published
    answer: Answer

    @property
    def measured(self) -> int | None:
        return self.published.measured.peak_bytes

    @property
    def error_pct(self) -> float | None:
        """Signed, None without a prediction or a measurement."""
        if not isinstance(self.answer, Predicted) or not self.measured:
            return None
        return error_pct(self.answer.expected, self.measured)


class Score(NamedTuple):
    """One group of rows. Every figure but the counts is None where no row was predicted."""

    rows: int
    predicted: int
    refused: int
    median_abs_pct: float | None
    mean_abs_pct: float | None
    p90_abs_pct: float | None
    worst_abs_pct: float | None
    median_pct: float | None
    under5_pct: float | None
    interval_coverage_pct: float | None
    interval_median_width: float | None
    cannot_tell_pct: float | None


def error_pct(predicted: int, measured: int) -> float:
    return (predicted - measured) / measured * 100


def percentile(values: Sequence[float], share: float) -> float:
    """Linear between ranks, as numpy's default: share 0.9 of [0, 10] is 9. Raises ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def score(rows: Sequence[Answered]) -> Score:
    """The figures of these rows; those without a measurement are not counted."""
    labelled = [x for x in rows if x.measured]
    pairs = [(x.answer, x.measured) for x in labelled if isinstance(x.answer, Predicted) and x.measured]
    counts = len(labelled), len(pairs), len(labelled) - len(pairs)
    if not pairs:
        return Score(*counts, *[None] * 9)
    errors = [error_pct(answer.expected, measured) for answer, measured in pairs]
    sizes = [abs(e) for e in errors]
    return Score(
        *counts,
        median_abs_pct=median(sizes),
        mean_abs_pct=sum(sizes) / len(sizes),
        p90_abs_pct=percentile(sizes, 0.9),
        worst_abs_pct=max(sizes),
        median_pct=median(errors),
        under5_pct=_share(e < -UNDER_PCT for e in errors),
        interval_coverage_pct=_share(answer.low <= measured <= answer.high for answer, measured in pairs),
        interval_median_width=median((answer.high - answer.low) / max(answer.expected, 1) for answer, _ in pairs),
        cannot_tell_pct=_share(answer.verdict is Verdict.CANNOT_TELL for answer, _ in pairs),
    )


def _share(claims: Iterable[bool]) -> float:
    held = list(claims)
    return sum(held) / len(held) * 100


def scored(rows: Iterable[Answered]) -> list[Answered]:
    return [x for x in rows if x.published.label.scored]


def training_high(rows: Iterable[Answered]) -> list[Answered]:
    return [x for x in scored(rows) if x.published.row.task == "train" and x.published.label.confidence == "high"]


def grouped(rows: Iterable[Answered], key: Callable[[Answered], str]) -> dict[str, list[Answered]]:
    """Rows by key, keys in order."""
    groups: dict[str, list[Answered]] = {}
    for one in rows:
        groups.setdefault(key(one), []).append(one)
    return dict(sorted(groups.items()))


def by_source(rows: Iterable[Answered]) -> dict[str, list[Answered]]:
    """By repository, package or page; the files of one repository are one source."""
    return grouped(rows, lambda x: x.published.label.repository)


def macro_median_pct(groups: Iterable[Sequence[Answered]]) -> float | None:
    """The mean over sources of each one's median absolute error, so that no large source drowns a small one."""
    medians = [s.median_abs_pct for s in map(score, groups) if s.median_abs_pct is not None]
    return sum(medians) / len(medians) if medians else None
