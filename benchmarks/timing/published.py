"""Training speed that others published, held against what the time model says of the same settings and card.

Settings come from the file of measured memory (`make truth` reads the same), speed from `published.json`. Never run on
a card here: this is the only check of the cards' part.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.timing.fitted import Figures, errors, fitted, summary
from benchmarks.truth import loss_of, optimizer_of
from benchmarks.truth.draft_of import drafted
from benchmarks.truth.rows import Published, read_file
from planner.draft import HeadWork
from planner.facts.gpus import gpus
from planner.facts.model.catalogue import find
from planner.techniques.loss_full_logits import WORK
from planner.timing.effort import Effort, effort_of
from planner.timing.rates import Work
from planner.timing.rates_of import rates
from planner.timing.speed import of_shares, table
from planner.training.losses import FusedLinear, LogitsInPieces

TABLE = Path(__file__).resolve().parent / "published.json"
FUSED = HeadWork(written_bytes=8)  # logits and their gradient, where nothing between them is written
PULL = 0.3  # few rows tell one share from another
MOST = {
    "flops_16": 0.85,
    "pair_flops_16": 0.7,
    "read_bytes": 0.95,
}  # caps set by hand: more than these no kernel is likely to reach
START = {"flops_16": 0.7, "pair_flops_16": 0.5, "bytes": 0.33, "read_bytes": 0.8, "operation_s": 1.5e-5}
"""Where a fit begins. Set by hand with these rows in sight, as `PULL` and `MOST` were. For each byte written two are read,
so a third of the bandwidth."""


class Timed(NamedTuple):
    """One published step. gpu: the card's name; source: repository and file."""

    id: str
    gpu: str
    source: str
    effort: Effort
    work: Work
    seconds: float


def rows(path: Path) -> tuple[Timed, ...]:
    """Those of the table whose settings are in the file."""
    settings = {one.label.id: one for one in read_file(path).rows}
    told: list[dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))["rows"]
    known = [(one, settings[one["id"]]) for one in told if one["id"] in settings]
    return tuple(_timed(one, row) for one, row in known if not _sharded_whole(row))


def _sharded_whole(known: Published) -> bool:
    """All weights trained under DeepSpeed: what it does with so many gradients after each batch is not computed."""
    return known.row.trainable == "full" and known.row.sharding.kind.startswith("zero")


def _timed(told: dict[str, Any], known: Published) -> Timed:
    row = known.row
    assert row.model_key is not None
    assert row.gpu is not None
    draft = drafted(row, find(row.model_key))
    loss, _ = loss_of.loss(row, draft)
    fused = isinstance(loss, FusedLinear | LogitsInPieces) or row.compile
    draft = draft._replace(head_work=FUSED if fused else WORK, update=optimizer_of.of(row))
    effort = effort_of(draft)
    if row.attention == "flash2" or not row.padded:  # without a mask a card's kernel leaves out what lies ahead
        effort = effort._replace(pair_flops=effort.pair_flops / 2)
    batches = row.grad_accumulation or 1
    tokens, seq = told["tokens"], told["seq"]
    return Timed(told["id"], row.gpu, told["source"], effort, Work(batches, 1, tokens, tokens * seq), told["seconds"])


def _taught_by_one(every: tuple[Timed, ...]) -> list[float]:
    """Each step of a source's card predicted by figures of other sources, as much slower or faster as one other step of
    the same source and card was; every other one in turn."""
    found: list[float] = []
    for source in dict.fromkeys(_origin(x) for x in every):
        shares = fit(tuple(x for x in every if _origin(x) != source))
        times = [(x.gpu, x.seconds / seconds(x, shares)) for x in every if _origin(x) == source]
        found += [
            100 * (teacher / own - 1)
            for i, (gpu, own) in enumerate(times)
            for j, (other, teacher) in enumerate(times)
            if i != j and gpu == other
        ]
    return found


@cache
def card(name: str) -> Any:
    return next(g for g in gpus() if name in (g.name, g.name.split(", ")[0]))


def seconds(one: Timed, shares: Figures) -> float:
    """What the model says of it."""
    speed = of_shares(card(one.gpu), {**table()["card"], **shares})
    return float(rates(one.effort, speed).seconds(one.work))


def fit(known: tuple[Timed, ...]) -> dict[str, float]:
    return fitted(START, lambda figures: [seconds(x, figures) for x in known], [x.seconds for x in known], PULL, MOST)


def judged(path: Path) -> dict[str, Any]:
    """Fitted to all but one source and held against that one, each in turn; and the figures fitted to all."""
    every = rows(path)
    held_out: dict[str, float] = {}
    for source in dict.fromkeys(_origin(x) for x in every):
        shares = fit(tuple(x for x in every if _origin(x) != source))
        away = tuple(x for x in every if _origin(x) == source)
        told = errors([seconds(x, shares) for x in away], [x.seconds for x in away])
        held_out |= {x.id: e for x, e in zip(away, told, strict=True)}
    taught = _taught_by_one(every)
    odd, even = every[::2], every[1::2]
    halves: dict[str, float] = {}
    for known, away in ((odd, even), (even, odd)):
        shares = fit(known)
        told = errors([seconds(x, shares) for x in away], [x.seconds for x in away])
        halves |= {x.id: e for x, e in zip(away, told, strict=True)}
    shipped = {name: table()["card"][name] for name in START}
    figures = {k: float(f"{v:.3g}") for k, v in fit(every).items()}
    now = {x.id: errors([seconds(x, shipped)], [x.seconds])[0] for x in every}
    return {
        "figures": figures,
        "shipped": {"figures": shipped, **summary(list(now.values()))},
        "cards": len({x.gpu for x in every}),
        "at_caps": sum(figures[name] >= 0.99 * most for name, most in MOST.items()),
        "other_sources": summary(list(held_out.values())),
        "between": [round(f(1 / (1 + e / 100) for e in held_out.values()), 2) for f in (min, max)],
        "other_half": summary(list(halves.values())),
        "taught_by_one": summary(taught),
        "taught_between": [round(float(np.percentile([1 / (1 + e / 100) for e in taught], q)), 2) for q in (5, 95)],
        "by_source": {
            source: summary([held_out[x.id] for x in every if _origin(x) == source])
            for source in dict.fromkeys(_origin(x) for x in every)
        },
        "rows": [
            {
                "id": x.id,
                "gpu": x.gpu,
                "source": x.source,
                "measured_s": x.seconds,
                "said_s": round(seconds(x, shipped), 4),
                "other_sources_pct": round(held_out[x.id], 1),
                "other_half_pct": round(halves[x.id], 1),
            }
            for x in every
        ],
    }


def _origin(one: Timed) -> str:
    return one.source.split(" ")[0]
