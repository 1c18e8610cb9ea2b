"""`python -m benchmarks.timing`: runs what is not there yet, then prints and keeps the table of errors."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.provenance import ROOT
from benchmarks.timing.cells import CELLS
from benchmarks.timing.judged import judged
from benchmarks.timing.measure import measure
from benchmarks.timing.published import judged as judged_published
from benchmarks.timing.shipped import ship

TABLE = ROOT / "benchmarks" / "results" / "timing.json"
ROWS = ROOT.parent / "shared" / "data" / "measured" / "rows_dev.jsonl"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timing", description=__doc__)
    parser.add_argument("--only", default="", help="only cells whose name contains this")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no cell after so many")
    parser.add_argument("--again", action="store_true", help="run finished cells once more and keep both times")
    parser.add_argument(
        "--rows", type=Path, default=ROWS, help="the file of measured memory that has the settings of published runs"
    )
    parser.add_argument("--ship", action="store_true", help="write the figures into the product's table")
    given = parser.parse_args(arguments)
    until = time.monotonic() + 60 * given.minutes
    for name in CELLS:
        if given.only not in name or time.monotonic() > until:
            continue
        try:
            found = measure(name, again=given.again)
        except RuntimeError as error:
            print(error, flush=True)
            continue
        if found is not None:
            print(f"{found['seconds']:6.1f} s  {name}: {found['times'][-1]}", flush=True)
    found = {"cpu": judged()}
    before = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    found["published"] = judged_published(given.rows) if given.rows.is_file() else before.get("published", {})
    TABLE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if given.ship:
        ship(found)
    for cell in found["cpu"]["cells"]:
        print(f"{cell['step_s']:8.3f} s  {cell['leave_one_out_pct']:+6.1f} %  {cell['name']}")
    for what in ("leave_one_out", "taught_by_one"):
        print(f"{what}: {found['cpu'][what]}")
    for what in ("other_sources", "other_half", "taught_by_one"):
        print(f"published, {what}: {found['published'].get(what)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
