"""The few figures of a device's speed that make predicted seconds lie nearest to measured ones, in ratios.

Gauss–Newton on the logarithms, each figure drawn a little to where it starts, so that one which no run depends on
stays there. Knows no run: what a set of figures predicts is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

ROUNDS, STEP, FENCE, FARTHEST = 60, 1e-3, 30.0, 0.5

Figures = Mapping[str, float]
Predict = Callable[[Figures], Sequence[float]]


def fitted(
    start: Figures, predict: Predict, measured: Sequence[float], pull: float, most: Figures | None = None
) -> dict[str, float]:
    """start: figures above nothing. predict: seconds of every run with these figures. most: what some cannot exceed.

    pull: how much a figure that is e times its start weighs, beside a run that is e times off.
    """
    names, wanted = list(start), np.log(np.asarray(measured))
    origin = np.log(np.asarray([start[n] for n in names]))
    at = origin.copy()
    limits = np.log(np.asarray([(most or {}).get(n, np.inf) for n in names]))

    def residual(x: np.ndarray) -> np.ndarray:
        said = np.log(np.asarray(predict(dict(zip(names, np.exp(x), strict=True)))))
        return np.concatenate([said - wanted, pull * (x - origin), FENCE * np.maximum(0.0, x - limits)])

    for _ in range(ROUNDS):
        here = residual(at)
        slopes = np.stack([(residual(at + STEP * unit) - here) / STEP for unit in np.eye(len(at))], axis=1)
        change = np.linalg.lstsq(slopes, -here, rcond=None)[0]
        change = np.clip(change, -FARTHEST, FARTHEST)
        while np.sum(residual(at + change) ** 2) > np.sum(here**2) and np.abs(change).max() > 1e-6:
            change = change / 2
        at = at + change
        if np.abs(change).max() < 1e-5:
            break
    return {name: float(value) for name, value in zip(names, np.exp(at), strict=True)}


def errors(predicted: Sequence[float], measured: Sequence[float]) -> list[float]:
    """Percent, each with its sign."""
    return [100 * (p / m - 1) for p, m in zip(predicted, measured, strict=True)]


def summary(of: Sequence[float]) -> dict[str, float]:
    """median and worst of |error|, and the signed median."""
    found = np.abs(np.asarray(of))
    return {
        "runs": len(found),
        "median_abs_pct": round(float(np.median(found)), 1),
        "p90_abs_pct": round(float(np.percentile(found, 90)), 1),
        "worst_abs_pct": round(float(found.max()), 1),
        "median_pct": round(float(np.median(np.asarray(of))), 1),
    }
