"""Writes `assets/evidence.json`: the misses of training runs, grouped by what `planner.evidence` finds alike.

Cards: the scored published rows. CPU: the runs of our own worker that `assets/reserved.json` lists.
`python -m benchmarks.truth.evidence ROWS.jsonl`
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.truth.answer import Predicted
from benchmarks.truth.draft_of import drafted, predict
from benchmarks.truth.rows import read_file
from benchmarks.truth.score import percentile
from planner.assets import asset
from planner.evidence import Likeness, likeness
from planner.facts.model.catalogue import find
from planner.reserved import band
from planner.units import MIB

ABOUT = (
    "Misses of predictions, |predicted - measured| / measured in percent, by what runs have in common; an empty word "
    "stands for any. Written by python -m benchmarks.truth.evidence."
)


def misses_of_rows(path: Path) -> dict[Likeness, list[float]]:
    """By likeness and all that is wider, of the scored training rows."""
    found: dict[Likeness, list[float]] = defaultdict(list)
    for one in read_file(path).rows:
        row = one.row
        if not one.label.scored or row.task != "train" or row.model_key is None:
            continue
        answer = predict(row)
        if isinstance(answer, Predicted) and one.measured.peak_bytes:
            miss = 100 * abs(answer.expected / one.measured.peak_bytes - 1)
            for group in dict.fromkeys(likeness(drafted(row, find(row.model_key))).wider):
                found[group].append(miss)
    return found


def misses_on_this_device() -> list[float]:
    """Of the worker's own runs on a CPU: planned live bytes and what stands beside them, against the process."""
    measured = json.loads(asset("reserved.json").read_text(encoding="utf-8"))["measured"]["rows"]
    found = []
    for run in measured:
        live = int(run["live_mib"] * MIB)
        expected = live + band("cpu", False).beside(live)[1]
        found.append(100 * abs(expected / (run["process_mib"] * MIB) - 1))
    return found


def group(likeness_of: Likeness, misses: list[float]) -> dict[str, Any]:
    return {
        **likeness_of._asdict(),
        "runs": len(misses),
        "median_pct": round(percentile(misses, 0.5), 2),
        "p90_pct": round(percentile(misses, 0.9), 2),
    }


def main() -> None:
    groups = [group(key, misses) for key, misses in sorted(misses_of_rows(Path(sys.argv[1])).items())]
    groups.append(group(Likeness("cpu"), misses_on_this_device()))
    text = json.dumps({"about": ABOUT, "groups": groups}, indent=1)
    asset("evidence.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
