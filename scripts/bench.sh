#!/bin/sh
# Runs every benchmark of speed; each prints its own table and the goal beside it. usage: bench.sh VENV_BIN
# All are run, also after one that missed its goal; the exit code is 1 if any did.
set -u
missed=0
for name in estimate_speed explore fit_speed library window_start journal worker_overhead dry_run_large; do
    echo "== benchmarks.$name"
    "$1/python" -m "benchmarks.$name" || missed=1
done
exit $missed
