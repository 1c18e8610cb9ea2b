"""Every further reading of a run against its prediction: where the peak is right, are its parts right as well?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from statistics import fmean, median

from benchmarks.truth.answer import Predicted
from benchmarks.truth.boundary import counts, outcomes
from benchmarks.truth.score import Answered, error_pct

T4_SOURCE = "fitcheck-llm"  # the one source that read allocated, reserved and process of the same runs, on a T4


def published_readings(one: Answered) -> dict[str, int]:
    """Everything read of this run, by the name of the published field; zeros are left out."""
    measured = one.published.measured
    found = {}
    for group in (measured.more_metrics, measured.phase_peaks):
        found.update({k: v for k, v in asdict(group).items() if v} if group else {})
    metric = f"{one.published.row.metric}_bytes"
    if measured.peak_bytes and metric in ("allocated_bytes", "reserved_bytes", "process_bytes"):
        found[metric] = measured.peak_bytes
    return found


def predicted_reading(one: Answered, name: str) -> int | None:
    """The prediction of one reading; the row's own metric is `expected`."""
    if not isinstance(one.answer, Predicted):
        return None
    if name == f"{one.published.row.metric}_bytes":
        return one.answer.expected
    return one.answer.reading(name)


def reading_errors(rows: Iterable[Answered]) -> dict[str, list[float]]:
    """Signed errors in per cent by reading, of all rows where both figures are known."""
    found: dict[str, list[float]] = {}
    for one in rows:
        for name, measured in published_readings(one).items():
            predicted = predicted_reading(one, name)
            if predicted is not None:
                found.setdefault(name, []).append(error_pct(predicted, measured))
    return dict(sorted(found.items()))


def summary(errors: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """n, median, mean and worst absolute error of each reading, and the signed mean."""
    return {
        name: {
            "rows": len(of_one),
            "median_abs_pct": median(map(abs, of_one)),
            "mean_abs_pct": fmean(map(abs, of_one)),
            "worst_abs_pct": max(map(abs, of_one)),
            "mean_pct": fmean(of_one),
        }
        for name, of_one in errors.items()
    }


def t4(rows: Iterable[Answered]) -> dict[str, object]:
    """The rows measured on a T4: mean and worst error of allocated, reserved and process, and the boundary's outcomes.

    Allocated and the parts are of the scored rows; the boundary is of all rows on the card.
    """
    own = [x for x in rows if x.published.label.repository == T4_SOURCE]
    errors = reading_errors(x for x in own if x.published.label.scored)
    return {"rows": len(own), "readings": summary(errors), "boundary": counts(outcomes(own))}
