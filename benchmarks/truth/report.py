"""What the benchmark prints: a line per source, what was fitted, and one JSON object. Words and columns only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.truth.answer import Predicted, Refused
from benchmarks.truth.boundary import Outcome, counts, outcomes
from benchmarks.truth.fitted import fitted
from benchmarks.truth.readings import reading_errors, summary, t4
from benchmarks.truth.run import Ran
from benchmarks.truth.score import (
    UNDER_PCT,
    Answered,
    Score,
    by_source,
    error_pct,
    grouped,
    macro_median_pct,
    score,
    scored,
    training_high,
)
from planner.units import words

HEADER = (
    f"{'':34} {'rows':>5} {'pred.':>5} {'ref.':>5} {'median':>7} {'p90':>7} {'worst':>7} {'signed':>7} {'under5':>7}"
    f" {'covered':>7} {'width':>6} {'cannot':>7}"
)


def result(ran: Ran) -> dict[str, Any]:
    """The benchmark's one JSON object."""
    of_scored = scored(ran.answered)
    groups = by_source(of_scored)
    total = score(of_scored)
    return {
        **rounded(total),
        "training_high": rounded(score(training_high(ran.answered))),
        "macro_median_pct": _round(macro_median_pct(groups.values())),
        "by_source": {name: rounded(score(rows)) for name, rows in groups.items()},
        "t4": rounded(t4(ran.answered)),
        "boundary": counts(outcomes(ran.answered)),
        "doubtful_gb": doubtful_gb(of_scored),
        "readings": rounded(summary(reading_errors(of_scored))),
        "not_scored": len(ran.answered) - len(of_scored),
        "crashed": len(ran.bugs),
        "cold_seconds": round(ran.cold_seconds, 4),
        "warm_seconds": round(ran.warm_seconds, 4),
    }


def doubtful_gb(rows: list[Answered]) -> dict[str, Any]:
    """Rows whose GB may be 1e9 or 2**30: the median error against either reading (only the first is scored)."""
    doubtful = [x for x in rows if x.published.measured.peak_bytes_alt]
    other = [
        abs(error_pct(x.answer.expected, alt))
        for x in doubtful
        if isinstance(x.answer, Predicted) and (alt := x.published.measured.peak_bytes_alt)
    ]
    median_other = sorted(other)[len(other) // 2] if other else None
    return {
        "rows": len(doubtful),
        "median_abs_pct": _round(score(doubtful).median_abs_pct),
        "median_abs_pct_other_reading": _round(median_other),
    }


def lines(ran: Ran, by: str | None, worst: int) -> Iterator[str]:
    """Everything above the last line."""
    of_scored = scored(ran.answered)
    yield HEADER
    for name, rows in by_source(of_scored).items():
        yield line(name, score(rows))
    yield line("all scored rows", score(of_scored))
    yield line("training, confidence high", score(training_high(ran.answered)))
    macro = macro_median_pct(by_source(of_scored).values())
    yield f"macro-average over sources of the median: {'–' if macro is None else f'{macro:.2f} %'}"
    yield (
        "Median, p90 (linear between ranks) and worst are of |error| in %; signed is the median error; under5 the share "
        f"predicted more than {UNDER_PCT:.0f} % too low; covered and width are of the interval. A source is a "
        "repository, package or page; all files of one repository are one source."
    )
    if by:
        yield from _by_field(of_scored, by)
    yield from _unscored(ran.answered)
    yield from _readings(of_scored)
    yield from _outcomes(outcomes(ran.answered))
    yield from _why_refused(of_scored)
    yield from _worst(of_scored, worst)
    yield from _fitted(of_scored)
    yield (
        f"{len(ran.answered)} rows in {ran.cold_seconds:.3f} s of CPU time the first time, {ran.warm_seconds:.3f} s the second, "
        f"{ran.warm_seconds / max(1, len(ran.answered)) * 1e6:.0f} µs a row"
    )


def line(name: str, of: Score) -> str:
    def shown(value: float | None, form: str = "7.2f") -> str:
        return f"{'–':>{form.split('.')[0]}}" if value is None else f"{value:{form}}"

    return (
        f"{name[:34]:34} {of.rows:5} {of.predicted:5} {of.refused:5} {shown(of.median_abs_pct)} {shown(of.p90_abs_pct)} "
        f"{shown(of.worst_abs_pct)} {shown(of.median_pct)} {shown(of.under5_pct, '7.1f')} "
        f"{shown(of.interval_coverage_pct, '7.1f')} {shown(of.interval_median_width, '6.3f')} "
        f"{shown(of.cannot_tell_pct, '7.1f')}"
    )


def field_of(name: str) -> Callable[[Answered], str]:
    """The value of a field of the row or its label as text: `trainable`, `weights.storage`, `confidence`."""

    def value(one: Answered) -> str:
        first, *path = name.split(".")
        found: Any = one.published.row if hasattr(one.published.row, first) else one.published.label
        for part in (first, *path):
            found = getattr(found, part, None)
        return str(found)

    return value


def _by_field(rows: list[Answered], by: str) -> Iterator[str]:
    yield f"by {by}"
    for name, of_one in grouped(rows, field_of(by)).items():
        yield line(f"  {name}", score(of_one))


def _unscored(rows: tuple[Answered, ...]) -> Iterator[str]:
    """Groups that the total leaves out, each alone: several GPUs, operators, weak confidence."""
    left_out = [x for x in rows if not x.published.label.scored and x.measured]
    for name, of_one in grouped(left_out, lambda x: ", ".join(x.published.label.not_scored_because)).items():
        yield line(f"not scored: {name or 'no reason given'}", score(of_one))


def _readings(rows: list[Answered]) -> Iterator[str]:
    for name, of_one in summary(reading_errors(rows)).items():
        yield (
            f"reading {name.removesuffix('_bytes'):28} {of_one['rows']:4} rows: mean {of_one['mean_abs_pct']:6.2f} %, "
            f"worst {of_one['worst_abs_pct']:6.2f} %, signed {of_one['mean_pct']:+6.2f} %"
        )


def _outcomes(found: list[Outcome]) -> Iterator[str]:
    for kind, of_kind in counts(found).items():
        yield (
            f"outcome {kind:13} {of_kind['rows']:4} rows, {of_kind['predicted']} predicted: right by the expected figure "
            f"{of_kind['expected_right']}, not contradicted by the interval {of_kind['interval_right']}"
        )
    for one in found:
        if one.need_bytes is not None and not one.expected_right:
            yield f"  wrong side: {one.kind} {words(one.bound_bytes)}, predicted {words(one.need_bytes)}: {one.id}"


def _why_refused(rows: list[Answered]) -> Iterator[str]:
    refused = [x for x in rows if isinstance(x.answer, Refused)]
    for why, of_one in grouped(refused, lambda x: x.answer.why if isinstance(x.answer, Refused) else "").items():
        yield f"refused {len(of_one):3} scored rows, such as {of_one[0].published.label.id}: {why}"


def _worst(rows: list[Answered], most: int) -> Iterator[str]:
    def size(one: Answered) -> float:
        return abs(one.error_pct or 0.0)

    for one in sorted(rows, key=size, reverse=True)[:most]:
        if isinstance(one.answer, Predicted) and one.measured:
            answer = one.answer
            yield (
                f"{one.error_pct:+8.2f} % {one.published.label.id}: {words(answer.expected)} "
                f"({words(answer.low)} to {words(answer.high)}), measured {words(one.measured)}"
            )
            parts = sorted(answer.parts.items(), key=lambda kv: -kv[1])
            yield f"           {', '.join(f'{k} {words(v)}' for k, v in parts if v)}"


def _fitted(rows: list[Answered]) -> Iterator[str]:
    yield "Fitted or measured, not derived:"
    inferred = sum(x.published.row.seq_len_kind == "longest_inferred" for x in rows)
    if inferred:
        yield f"  in the rows themselves: the longest batch of {inferred} scored rows was inferred by whoever collected them"
    for one in fitted():
        yield f"  {one.where}: {one.figures} — {one.source}"


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def rounded(value: Any) -> Any:
    if isinstance(value, Score):
        value = value._asdict()
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value
