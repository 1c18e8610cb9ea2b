#!/bin/sh
# Runs every benchmark; each prints its own table and the goal beside it. usage: bench.sh VENV_BIN
set -eu
for file in benchmarks/*.py; do
    echo "== $file"
    "$1/python" "$file"
done
