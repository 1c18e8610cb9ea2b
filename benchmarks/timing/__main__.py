"""`python -m benchmarks.timing`: runs what is not there yet, then prints and keeps the table of errors."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.timing.cells import CELLS
from benchmarks.timing.measure import measure


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timing", description=__doc__)
    parser.add_argument("--only", default="", help="only cells whose name contains this")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no cell after so many")
    parser.add_argument("--again", action="store_true", help="run finished cells once more and keep both times")
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
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
