"""Everything that EXPERIMENTS.md says, in one command: `python -m benchmarks.report ROWS.jsonl`.

Scores the rows (`results/truth.json`), puts other estimators beside ours where they are installed
(`results/estimators.json`), then writes the page and its picture from those files, and the rows for the trust page.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import estimators, experiments
from benchmarks.picture import draw
from benchmarks.provenance import ROOT, provenance
from benchmarks.truth import trust
from benchmarks.truth.answer import Predicted, Refused
from benchmarks.truth.draft_of import predict
from benchmarks.truth.fitted import fitted
from benchmarks.truth.report import result
from benchmarks.truth.rows import read_file
from benchmarks.truth.run import Ran, run
from benchmarks.truth.score import Answered, scored

RESULT = ROOT / "benchmarks" / "results" / "truth.json"
WORST = 20


def truth(path: Path) -> tuple[dict[str, Any], Ran]:
    """What the file of results holds, and the rows it was made of."""
    began = time.perf_counter()
    ran = run(read_file(path).rows, predict)
    of_scored = scored(ran.answered)
    found = result(ran)
    edge = found["t4"]["boundary"].values()
    edge_rows, edge_right = sum(e["rows"] for e in edge), sum(e["expected_right"] for e in edge)
    found["t4"]["boundary_right_pct"] = 100 * edge_right / edge_rows if edge_rows else None
    return {
        **provenance(path),
        "seconds": round(time.perf_counter() - began, 2),
        "total_rows": len(ran.answered),
        "predicted_pct": 100 * found["predicted"] / found["rows"] if found["rows"] else None,
        **found,
        "worst": [_one(x) for x in sorted(of_scored, key=lambda x: -abs(x.error_pct or 0))[:WORST] if x.error_pct],
        "refusals": dict(Counter(x.answer.why for x in of_scored if isinstance(x.answer, Refused)).most_common()),
        "fitted": [f._asdict() for f in fitted()],
    }, ran


def _one(one: Answered) -> dict[str, Any]:
    assert isinstance(one.answer, Predicted)
    return {
        "id": one.published.label.id,
        "error_pct": round(one.error_pct or 0.0, 3),
        "expected": one.answer.expected,
        "measured": one.measured,
        "parts": dict(one.answer.parts),
    }


def save(file: Path, found: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("rows", type=Path, metavar="ROWS.jsonl")
    estimators.add_environments(parser)
    asked = parser.parse_args(arguments)
    found, ran = truth(asked.rows)
    save(RESULT, found)
    trust.write(ran.answered)
    others = estimators.results(asked.rows, estimators.environments(asked))
    save(estimators.RESULT, others)
    draw(scored(ran.answered), ROOT / experiments.PICTURE)
    (ROOT / "EXPERIMENTS.md").write_text(experiments.text(found, others), encoding="utf-8")
    print(f"Wrote EXPERIMENTS.md, {experiments.PICTURE} and benchmarks/results.")
    return 1 if ran.bugs else 0


if __name__ == "__main__":
    raise SystemExit(main())
