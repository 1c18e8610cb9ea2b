"""`python -m benchmarks.truth ROWS.jsonl`: predicts every row of a file, scores those to be scored, prints the figures.

The last line is one JSON object. Exit code 1 when a prediction crashed or a line of the file was bad, 2 when there is
nothing to read.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.truth.answer import Predicted
from benchmarks.truth.draft_of import predict
from benchmarks.truth.report import lines, result
from benchmarks.truth.rows import Published, read_file
from benchmarks.truth.run import run
from benchmarks.truth.score import Answered
from planner.problem import ProblemError

SHOWN_BUGS = 5


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        read = read_file(asked.rows)
    except ProblemError as error:
        print(error, file=sys.stderr)
        return 2
    for problem in read.problems:
        print(problem, file=sys.stderr)
    if asked.dry_run:
        return dry_runs(read.rows, asked.only)
    rows = [x for x in read.rows if asked.only.casefold() in x.label.source.casefold()]
    if not rows:
        print("There is no row to predict.", file=sys.stderr)
        return 2
    ran = run(rows, predict)
    if asked.out:
        try:
            write_csv(asked.out, ran.answered)
        except OSError as error:
            print(f"{asked.out} cannot be written ({error.strerror}).", file=sys.stderr)
            return 2
    if not asked.json:
        for text in lines(ran, asked.by, asked.worst):
            print(text)
    for row_id, trace in ran.bugs[:SHOWN_BUGS]:
        print(f"CRASHED at {row_id}\n{trace}", file=sys.stderr)
    if ran.bugs:
        print(f"{len(ran.bugs)} predictions CRASHED; they are counted as refused.", file=sys.stderr)
    sys.stderr.flush()
    print(json.dumps(result(ran)), flush=True)
    return 1 if ran.bugs or read.problems else 0


def dry_runs(rows: Sequence[Published], only: str) -> int:
    """Traces PEFT's comparison with PEFT itself, row by row, each as it is done; the last line is one JSON object."""
    from benchmarks.truth.dry_run import cells, summary
    from benchmarks.truth.dry_run.traced import dry_run  # here, because it takes seconds to load torch

    chosen = cells.traceable(rows, only)
    if not chosen:
        print("There is no row of that comparison.", file=sys.stderr)
        return 2
    done = []
    for cell in cells.run(chosen, dry_run, predict):
        print(summary.line(cell), flush=True)
        done.append(cell)
    print(json.dumps(summary.figures(done)), flush=True)
    return 0


def write_csv(path: Path, answered: Iterable[Answered]) -> None:
    """Every row of the file, in its order: the interval in bytes, or why there is none."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("id", "low", "expected", "high", "refused_why"))
        for one in answered:
            if isinstance(one.answer, Predicted):
                out.writerow((one.published.label.id, one.answer.low, one.answer.expected, one.answer.high, ""))
            else:
                out.writerow((one.published.label.id, "", "", "", one.answer.why))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument("rows", type=Path, metavar="ROWS.jsonl")
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write every prediction to this file")
    parser.add_argument("--by", metavar="FIELD", help="also by a field of the rows, such as trainable, weights.storage")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="show the N largest errors with their parts")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows whose source contains this")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="trace the rows of PEFT's comparison without contents (--only then looks at ids); what was traced is kept",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
