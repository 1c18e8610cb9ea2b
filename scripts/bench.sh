#!/bin/sh
# Runs every benchmark of speed; each prints its own table and the goal beside it. usage: bench.sh VENV_BIN
# All are run, also after one that missed its goal; the exit code is 1 if any did.
set -u
missed=0
for file in benchmarks/estimate_speed.py benchmarks/window_start.py benchmarks/worker_overhead.py benchmarks/dry_run_large.py; do
    echo "== $file"
    "$1/python" "$file" || missed=1
done
exit $missed
