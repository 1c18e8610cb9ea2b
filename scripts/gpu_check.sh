#!/bin/sh
# What is said of a card, held against the card; without one, as far as it goes on the CPU. usage: gpu_check.sh VENV_BIN [OPTIONS]
set -eu
bin=$1
shift
"$bin/plimsoll" get-example || echo "Without the example a two-layer model stands in for it." >&2
exec "$bin/python" -m benchmarks.gpu_check "$@"
