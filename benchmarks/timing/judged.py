"""What the measured cells say of the time model: fitted to all but one of them and held against that one, each in turn.

A cell's figure is the median over its counted steps of measured ÷ said. Beside it: how far the others lie when one
named run of the example alone has taught such figures, as `plimsoll calibration` does it.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from statistics import median
from typing import Any, NamedTuple

from benchmarks.provenance import commit
from benchmarks.timing.cells import CELLS
from benchmarks.timing.fitted import Figures, fitted, summary
from benchmarks.timing.measure import UNCOUNTED, file_of
from planner.drafting import draft
from planner.plan_file import spec_from_json
from planner.run.spec import RunSpec
from planner.timing.effort import Effort, effort_of
from planner.timing.rates import Work
from planner.timing.rates_of import rates
from planner.timing.speed import of_figures, table
from planner.timing.work import work_of_steps

FIGURES = ("flops_16", "flops_32", "pair_flops_16", "pair_flops_32", "bytes_s", "read_bytes_s", "operation_s")
TEACHER = next(iter(CELLS))


class Measured(NamedTuple):
    """One cell: what its counted steps took, and what they were."""

    name: str
    effort: Effort
    works: tuple[Work, ...]
    seconds: tuple[float, ...]
    told: dict[str, Any]


def measured() -> tuple[Measured, ...]:
    """The cells that there are."""
    return tuple(_read(name, file_of(n)) for n, name in enumerate(CELLS) if file_of(n).is_file())


def _read(name: str, file: Any) -> Measured:
    told = json.loads(file.read_text(encoding="utf-8"))
    plan = _spec(told).plan
    runs = [[_alone(c, p) for c, p in zip(t["clock_s"], t["processor_s"], strict=True)] for t in told["times"]]
    fastest = [min(of_step) for of_step in zip(*runs, strict=True)]
    works = work_of_steps(plan.data, plan.stage.schedule, len(fastest))
    effort = effort_of(draft(plan))
    return Measured(name, effort, works[UNCOUNTED:], tuple(fastest[UNCOUNTED:]), told)


def _spec(told: dict[str, Any]) -> RunSpec:
    """What was predicted of memory is not kept with a cell."""
    return spec_from_json({**told["spec"], "predicted": {}})


def _alone(clock_s: float, processor_s: float) -> float:
    """A step of one thread takes as much of the processor as of the clock, unless it had to share its core."""
    return min(clock_s, processor_s) if processor_s else clock_s


def ratio(one: Measured, figures: Figures) -> float:
    """Measured ÷ said."""
    of = rates(one.effort, of_figures({**table()["cpu"], **figures}, 1))
    return median(s / float(of.seconds(w)) for s, w in zip(one.seconds, one.works, strict=True))


def fit(known: tuple[Measured, ...]) -> dict[str, float]:
    """The figures that lie nearest to all of these."""
    start = {name: START[name] for name in FIGURES}
    return fitted(start, lambda figures: [1 / ratio(x, figures) for x in known], [1.0] * len(known), PULL)


PULL = 0.05
START = {"flops_16": 4e11, "flops_32": 8e10, "pair_flops_16": 4e10, "pair_flops_32": 4e10, "bytes_s": 3e9,
         "read_bytes_s": 8e9, "operation_s": 1e-5}  # fmt: skip
"""Where a fit begins: one core with 512-bit instructions, and with those for bfloat16 matrices, by what is known of such."""


def _between(errors: Iterable[float]) -> list[float]:
    """The least and the most of measured ÷ said, by errors in percent."""
    times = [1 / (1 + e / 100) for e in errors]
    return [round(min(times), 2), round(max(times), 2)]


def judged() -> dict[str, Any]:
    cells = measured()
    teacher = next(x for x in cells if x.name == TEACHER)
    errors: dict[str, float] = {}
    taught: dict[str, float] = {}
    for one in cells:
        figures = fit(tuple(x for x in cells if x is not one))
        mine = ratio(one, figures)
        errors[one.name] = 100 * (1 / mine - 1)
        if one is not teacher:
            taught[one.name] = 100 * (ratio(teacher, figures) / mine - 1)
    shipped = [100 * (1 / ratio(x, {}) - 1) for x in cells]
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "processor": _spec(cells[0].told).plan.machine.cpu,
        "versions": dict(_spec(cells[0].told).versions),
        "figures": {k: float(f"{v:.3g}") for k, v in fit(cells).items()},
        "leave_one_out": summary(list(errors.values())),
        "shipped": summary(shipped),
        "taught_between": _between(taught.values()),
        "taught_by_one": {"teacher": TEACHER, **summary(list(taught.values()))},
        "cells": [
            {
                "name": x.name,
                "commit": x.told["commit"],
                "seconds": x.told["seconds"],
                "runs": len(x.told["times"]),
                "load_average": x.told["load_average"],
                "step_s": round(median(x.seconds), 4),
                "leave_one_out_pct": round(errors[x.name], 1),
                "taught_pct": round(taught[x.name], 1) if x.name in taught else None,
            }
            for x in cells
        ],
    }
